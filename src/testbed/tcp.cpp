// The TCP generators: one process on each side drives its ends of all flows with epoll(7).
#include "tcp.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>
#include <vector>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/testbed/pattern.hpp"

#include "sockets.hpp"

namespace sixin4::testbed {

namespace {

using std::chrono::milliseconds;

// Near connects all flows. The port of far determines which side sends.
constexpr std::uint16_t port_near_sends = 5001;
constexpr std::uint16_t port_far_sends = 5002;
constexpr std::chrono::seconds connect_timeout{5};
constexpr std::chrono::seconds drain_timeout{2};
constexpr std::chrono::seconds exit_timeout{5};

struct Flow {
  base::FileDescriptor socket;
  bool sends = false;
  std::uint64_t start = 0;     ///< pattern position of the first byte; differs between flows
  std::uint64_t position = 0;  ///< bytes sent or received so far
  enum class State { flowing, finishing, ended, broken } state = State::flowing;
};

/// Both ends derive the start from the port of near, which the kernel chose.
std::uint64_t pattern_start(std::uint16_t near_port) {
  return std::uint64_t{near_port} * 1021;
}

void await(const base::FileDescriptor& socket, short events, const char* error) {
  pollfd polled{.fd = socket.get(), .events = events, .revents = 0};
  if (::poll(&polled, 1, static_cast<int>(milliseconds{connect_timeout}.count())) <= 0) {
    throw std::runtime_error(error);
  }
}

Flow connect_flow(const Bed& bed, bool near_sends) {
  Flow flow{.socket = bound_socket(SOCK_STREAM | SOCK_NONBLOCK, bed.near.ipv6, 0), .sends = near_sends};
  reset_when_closed(flow.socket);
  const sockaddr_in6 far = socket_address(bed.far.ipv6, near_sends ? port_near_sends : port_far_sends);
  if (::connect(flow.socket.get(), reinterpret_cast<const sockaddr*>(&far), sizeof far) != 0 &&
      errno != EINPROGRESS) {
    throw base::system_failure("cannot connect through the tunnel (connect)");
  }
  await(flow.socket, POLLOUT, "no TCP connection through the tunnel within 5 seconds");
  int error = 0;
  socklen_t length = sizeof error;
  sockaddr_in6 local{};
  socklen_t local_length = sizeof local;
  if (::getsockopt(flow.socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 ||
      ::getsockname(flow.socket.get(), reinterpret_cast<sockaddr*>(&local), &local_length) != 0) {
    error = errno;
  }
  if (error != 0) {
    throw base::system_failure("cannot connect through the tunnel (connect)", error);
  }
  flow.start = pattern_start(ntohs(local.sin6_port));
  return flow;
}

Flow accept_flow(const base::FileDescriptor& listener, bool far_sends) {
  await(listener, POLLIN, "no TCP connection through the tunnel within 5 seconds");
  sockaddr_in6 near{};
  socklen_t length = sizeof near;
  base::FileDescriptor socket{
      ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&near), &length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!socket) throw base::system_failure("cannot accept a TCP connection (accept4)");
  reset_when_closed(socket);
  return {.socket = std::move(socket), .sends = far_sends, .start = pattern_start(ntohs(near.sin6_port))};
}

/// Sends and receives the flows of one side until the end of the measurement, then drains them.
class Pump {
 public:
  Pump(std::vector<Flow> flows, Clock::duration time) : flows_(std::move(flows)), time_(time) {
    if (!epoll_) throw base::system_failure("cannot wait for sockets (epoll_create1)");
    for (std::size_t at = 0; at < flows_.size(); ++at) {
      watch(EPOLL_CTL_ADD, at, flows_[at].sends ? EPOLLOUT : EPOLLIN);
    }
  }

  FlowCounts run() {
    const auto deadline = Clock::now() + connect_timeout + time_ + drain_timeout;
    while (!all_ended() && Clock::now() < deadline && !is_over(drain_timeout)) {
      std::array<epoll_event, 16> events{};
      constexpr int wait_ms = 20;  // bounds how late the end of the measurement is noticed
      const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms);
      if (ready < 0 && errno != EINTR) throw base::system_failure("cannot wait for sockets (epoll_wait)");
      const bool in_time = !is_over({});
      if (!in_time) finish_sending();
      for (int at = 0; at < ready; ++at)
        handle_event(flows_[events.at(static_cast<std::size_t>(at)).data.u64], in_time);
    }
    counts_.complete = std::ranges::all_of(
        flows_, [](const Flow& flow) { return flow.sends || flow.state == Flow::State::ended; });
    return counts_;
  }

 private:
  /// Whether the measurement, which starts with the first byte, ended more than `ago` before now.
  [[nodiscard]] bool is_over(Clock::duration ago) const {
    return start_ && Clock::now() > *start_ + time_ + ago;
  }

  [[nodiscard]] bool all_ended() const {
    return std::ranges::all_of(flows_, [](const Flow& flow) { return flow.state >= Flow::State::ended; });
  }

  void handle_event(Flow& flow, bool in_time) {
    if (!flow.sends || flow.state == Flow::State::finishing) {
      receive(flow, in_time);
    } else if (flow.state == Flow::State::flowing && in_time) {
      send(flow);
    }
  }

  void send(Flow& flow) {
    const auto bytes = pattern(flow.start + flow.position, max_pattern_size);
    const ssize_t sent = ::send(flow.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) throw base::system_failure("a TCP connection broke (send)");
    count(flow, static_cast<std::size_t>(sent), counts_.sent);
  }

  void receive(Flow& flow, bool in_time) {
    const ssize_t length = ::recv(flow.socket.get(), buffer_.data(), buffer_.size(), 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
      // A sender resets the connection if the tunnel does not drain its send buffer within the drain timeout.
      end(flow, length == 0 ? Flow::State::ended : Flow::State::broken);
      return;
    }
    const std::span<const std::uint8_t> bytes{buffer_.data(), static_cast<std::size_t>(length)};
    if (!samples_match_pattern(bytes, flow.start + flow.position)) {
      throw WrongData("TCP: other bytes arrived than were sent, after byte " + std::to_string(flow.position));
    }
    if (in_time) counts_.received_in_time += bytes.size();
    count(flow, bytes.size(), counts_.received);
  }

  void count(Flow& flow, std::size_t bytes, std::uint64_t& total) {
    if (!start_) start_ = Clock::now();
    flow.position += bytes;
    total += bytes;
  }

  /// Sends the FIN of every flow that this side sends, then watches for the FIN of the receiver, which
  /// follows the last byte.
  void finish_sending() {
    for (std::size_t at = 0; at < flows_.size(); ++at) {
      Flow& flow = flows_[at];
      if (!flow.sends || flow.state != Flow::State::flowing) continue;
      ::shutdown(flow.socket.get(), SHUT_WR);
      flow.state = Flow::State::finishing;
      watch(EPOLL_CTL_MOD, at, EPOLLIN);
    }
  }

  void end(Flow& flow, Flow::State state) {
    ::shutdown(flow.socket.get(), SHUT_WR);
    flow.state = state;
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, flow.socket.get(), nullptr);
  }

  void watch(int operation, std::size_t at, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = at;
    if (::epoll_ctl(epoll_.get(), operation, flows_[at].socket.get(), &event) != 0) {
      throw base::system_failure("cannot wait for a socket (epoll_ctl)");
    }
  }

  std::vector<Flow> flows_;
  Clock::duration time_;
  base::FileDescriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(max_pattern_size);
  std::optional<Clock::time_point> start_;
  FlowCounts counts_;
};

FlowCounts run_far(const Bed& bed, FlowNumbers numbers, double seconds, const std::function<void()>& ready) {
  bed.far.enter();
  const auto near_sends = bound_socket(SOCK_STREAM, bed.far.ipv6, port_near_sends);
  const auto far_sends = bound_socket(SOCK_STREAM, bed.far.ipv6, port_far_sends);
  if (::listen(near_sends.get(), numbers.outward + 1) != 0 ||
      ::listen(far_sends.get(), numbers.inward + 1) != 0) {
    throw base::system_failure("cannot listen for TCP connections (listen)");
  }
  ready();
  std::vector<Flow> flows;
  flows.reserve(static_cast<std::size_t>(numbers.outward) + static_cast<std::size_t>(numbers.inward));
  for (int flow = 0; flow < numbers.outward; ++flow) flows.push_back(accept_flow(near_sends, false));
  for (int flow = 0; flow < numbers.inward; ++flow) flows.push_back(accept_flow(far_sends, true));
  return Pump{std::move(flows), duration_of(seconds)}.run();
}

FlowCounts run_near(const Bed& bed, FlowNumbers numbers, double seconds) {
  bed.near.enter();
  std::vector<Flow> flows;
  flows.reserve(static_cast<std::size_t>(numbers.outward) + static_cast<std::size_t>(numbers.inward));
  for (int flow = 0; flow < numbers.outward; ++flow) flows.push_back(connect_flow(bed, true));
  for (int flow = 0; flow < numbers.inward; ++flow) flows.push_back(connect_flow(bed, false));
  return Pump{std::move(flows), duration_of(seconds)}.run();
}

}  // namespace

TcpFlows::TcpFlows(const Bed& bed, FlowNumbers numbers, double seconds)
    : seconds_(seconds),
      far_("TCP on the far side", [&](const auto& ready) { return run_far(bed, numbers, seconds, ready); }) {
  far_.wait_until_ready(Clock::now() + connect_timeout);
  near_.emplace("TCP on the near side", [&](const auto&) { return run_near(bed, numbers, seconds); });
}

TcpFlows::Result TcpFlows::finish() {
  const auto deadline =
      Clock::now() + 2 * connect_timeout + duration_of(seconds_) + drain_timeout + exit_timeout;
  // After wrong data on the far side the near side only sees a broken connection, so the far side's error has
  // precedence over errors of the near side that are not WrongData.
  FlowCounts near;
  std::exception_ptr failure;
  try {
    near = near_->finish(deadline);
  } catch (const WrongData&) {
    throw;
  } catch (const std::runtime_error&) {
    failure = std::current_exception();
  }
  const FlowCounts far = far_.finish(deadline);
  if (failure) std::rethrow_exception(failure);
  const std::uint64_t in_time = near.received_in_time + far.received_in_time;
  if (in_time == 0) throw std::runtime_error("no byte of the TCP flows arrived in time");
  if (near.received > far.sent || far.received > near.sent)
    throw WrongData("TCP: more bytes arrived than were sent");
  // In a slow tunnel the bytes of a send buffer may still be on their way after the drain timeout.
  const bool complete = near.complete && far.complete;
  if (complete && (near.received != far.sent || far.received != near.sent)) {
    throw WrongData("TCP: " + std::to_string(near.sent + far.sent) + " bytes were sent, but " +
                    std::to_string(near.received + far.received) + " arrived");
  }
  return {.bits_per_second = 8 * static_cast<double>(in_time) / seconds_,
          .bytes = near.received + far.received};
}

}  // namespace sixin4::testbed
