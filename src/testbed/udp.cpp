#include "udp.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <vector>

#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/testbed/pattern.hpp"
#include "sixin4/testbed/process.hpp"

#include "sockets.hpp"

namespace sixin4::testbed {

namespace {

constexpr std::uint16_t port = 5003;
constexpr std::size_t batch = 64;               // messages a call
constexpr std::chrono::microseconds tick{250};  // a sender sends so often
constexpr std::chrono::milliseconds made_up_for{1};
constexpr std::chrono::milliseconds first_wait{500};  // for the first one, behind the end of the trial
constexpr std::chrono::milliseconds silence{100};     // that tells the receiver that all has come
constexpr std::chrono::seconds patience{10};
constexpr int socket_queue = 64 << 20U;  // bytes: no queue of a generator's own overflows

/// A datagram is its number, and the pattern from a place that depends on it. The upper half of the number is
/// that of the trial: what a busy machine has held back of the one before is none of this one's.
using Number = std::uint64_t;

constexpr unsigned trial_shift = 32;

std::uint64_t pattern_start(Number number) {
  return number * 8191;
}

/// Messages for one sendmmsg(2): of each datagram its number, and a view of the pattern behind it.
class Sender {
 public:
  Sender(const Bed& bed, DatagramKind kind, std::uint32_t trial)
      : kind_(kind),
        next_(Number{trial} << trial_shift),
        socket_(bound_socket(SOCK_DGRAM, bed.near.ipv6, 0)),
        numbers_(batch * kind.a_call),
        pieces_(2 * batch * kind.a_call) {
    connect_datagrams(socket_, bed.far.ipv6, port);
    // Else it would wait for its datagrams in the queue of the link, which it does not for those in a tun
    // device's.
    set_option(socket_, SOL_SOCKET, SO_SNDBUFFORCE, socket_queue);
    if (kind.a_call > 1) set_option(socket_, SOL_UDP, UDP_SEGMENT, static_cast<int>(kind.size));
  }

  /// Sends up to that many calls' worth; returns how many datagrams.
  std::uint64_t send(std::uint64_t calls) {
    std::uint64_t sent = 0;
    while (calls > 0) {
      const auto wanted = std::min<std::uint64_t>(calls, batch);
      fill(wanted);
      const int taken = ::sendmmsg(socket_.get(), messages_.data(), static_cast<unsigned>(wanted), 0);
      if (taken < 0 && errno != ENOBUFS && errno != EAGAIN)
        throw base::system_failure("cannot send datagrams (sendmmsg)");
      if (taken <= 0) break;
      sent += static_cast<std::uint64_t>(taken) * kind_.a_call;
      next_ += static_cast<std::uint64_t>(taken) * kind_.a_call;
      calls -= static_cast<std::uint64_t>(taken);
    }
    return sent;
  }

 private:
  void fill(std::uint64_t calls) {
    std::size_t piece = 0;
    for (std::size_t call = 0; call < calls; ++call) {
      messages_.at(call).msg_hdr.msg_iov = &pieces_[piece];
      messages_.at(call).msg_hdr.msg_iovlen = 2 * kind_.a_call;
      for (std::size_t at = 0; at < kind_.a_call; ++at) {
        Number& number = numbers_[piece / 2];
        number = next_ + piece / 2;
        const auto rest = pattern(pattern_start(number), kind_.size - sizeof number);
        pieces_[piece++] = {.iov_base = &number, .iov_len = sizeof number};
        pieces_[piece++] = {.iov_base = const_cast<std::uint8_t*>(rest.data()), .iov_len = rest.size()};
      }
    }
  }

  DatagramKind kind_;
  Number next_;
  base::FileDescriptor socket_;
  std::vector<Number> numbers_;
  std::vector<iovec> pieces_;
  std::array<mmsghdr, batch> messages_{};
};

void sleep_until(Clock::time_point when) {
  const auto since = when.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  const timespec at{.tv_sec = whole.count(), .tv_nsec = std::chrono::nanoseconds{since - whole}.count()};
  (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

TrialCounts send_paced(const Bed& bed, DatagramKind kind, std::uint32_t trial, double rate, double seconds) {
  bed.near.enter();
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  Sender sender{bed, kind, trial};
  TrialCounts counts;
  const double calls_a_tick =
      rate * std::chrono::duration<double>{tick}.count() / static_cast<double>(kind.a_call);
  const auto start = Clock::now();
  const auto end = start + duration_of(seconds);
  double due = 0;
  auto next = start;
  for (auto now = start; now < end; now = Clock::now()) {
    due += calls_a_tick;
    const auto calls = static_cast<std::uint64_t>(due);
    due -= static_cast<double>(calls);
    counts.sent += sender.send(calls);
    // Where it is late it makes up for a moment, not for more: that would be a burst, not a rate.
    next = std::max(next + tick, Clock::now() - made_up_for);
    sleep_until(next);
  }
  counts.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return counts;
}

/// Sees each datagram of a trial: is it one that was sent, and the first of its number?
class Inspector {
 public:
  Inspector(DatagramKind kind, std::uint32_t trial) : kind_(kind), trial_(trial) {}

  void see(std::span<const std::uint8_t> datagram) {
    Number number = 0;
    if (datagram.size() != kind_.size) {
      throw WrongData("UDP: a datagram of " + std::to_string(datagram.size()) + " bytes arrived instead of " +
                      std::to_string(kind_.size));
    }
    std::memcpy(&number, datagram.data(), sizeof number);
    if (!is_pattern(datagram.subspan(sizeof number), pattern_start(number))) {
      throw WrongData("UDP: a datagram arrived with other bytes than were sent");
    }
    if (number >> trial_shift != trial_) return;
    number -= Number{trial_} << trial_shift;
    if (number >= seen_.size()) seen_.resize(2 * number + 1);
    if (seen_[number]) throw WrongData("UDP: datagram " + std::to_string(number) + " arrived twice");
    seen_[number] = true;
    ++count_;
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  DatagramKind kind_;
  std::uint32_t trial_;
  std::vector<bool> seen_;
  std::uint64_t count_ = 0;
};

/// The size that receive offload says the datagrams of a message had; that of the message where it is silent.
std::size_t datagram_size(msghdr& message, std::size_t length) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_UDP || part->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(part), sizeof size);
    return static_cast<std::size_t>(size);
  }
  return length;
}

class Receiver {
 public:
  Receiver(const Bed& bed, DatagramKind kind, std::uint32_t trial)
      : socket_(bound_socket(SOCK_DGRAM, bed.far.ipv6, port)),
        inspector_(kind, trial),
        room_(room_for(kind)) {
    set_option(socket_, SOL_SOCKET, SO_RCVBUFFORCE, socket_queue);
    if (kind.a_call > 1) set_option(socket_, SOL_UDP, UDP_GRO, 1);
    buffer_.resize(batch * room_);
  }

  /// Until none has come for a while; for the first one it waits longer.
  std::uint64_t receive_all(Clock::duration first) {
    set_timeout(std::chrono::ceil<std::chrono::milliseconds>(first));
    while (receive_batch()) set_timeout(silence);
    return inspector_.count();
  }

 private:
  static std::size_t room_for(DatagramKind kind) {
    constexpr std::size_t largest = 65536;
    return kind.a_call > 1 ? largest : 2 * kind.size;
  }

  void set_timeout(std::chrono::milliseconds time) {
    if (time == timeout_) return;
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const timeval value{.tv_sec = whole.count(), .tv_usec = std::chrono::microseconds{time - whole}.count()};
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) != 0) {
      throw base::system_failure("cannot limit the time to wait for datagrams (setsockopt)");
    }
    timeout_ = time;
  }

  bool receive_batch() {
    for (std::size_t at = 0; at < batch; ++at) {
      pieces_.at(at) = {.iov_base = &buffer_[at * room_], .iov_len = room_};
      msghdr& header = messages_.at(at).msg_hdr;
      header.msg_iov = &pieces_.at(at);
      header.msg_iovlen = 1;
      header.msg_control = controls_.at(at).data();
      header.msg_controllen = controls_.at(at).size();
    }
    const int count = ::recvmmsg(socket_.get(), messages_.data(), batch, MSG_WAITFORONE, nullptr);
    if (count < 0 && errno != EAGAIN) throw base::system_failure("cannot receive datagrams (recvmmsg)");
    for (int at = 0; at < count; ++at) see(static_cast<std::size_t>(at));
    return count > 0;
  }

  void see(std::size_t at) {
    const std::size_t length = messages_.at(at).msg_len;
    const std::size_t size = std::max<std::size_t>(datagram_size(messages_.at(at).msg_hdr, length), 1);
    const std::span<const std::uint8_t> message{&buffer_[at * room_], length};
    for (std::size_t start = 0; start < length; start += size) {
      inspector_.see(message.subspan(start, std::min(size, length - start)));
    }
  }

  base::FileDescriptor socket_;
  Inspector inspector_;
  std::size_t room_;
  std::chrono::milliseconds timeout_{};
  std::vector<std::uint8_t> buffer_;
  std::array<std::array<std::uint8_t, 64>, batch> controls_{};
  std::array<iovec, batch> pieces_{};
  std::array<mmsghdr, batch> messages_{};
};

}  // namespace

TrialCounts try_rate(const Bed& bed, DatagramKind kind, double rate, double seconds) {
  static std::uint32_t trials = 0;
  const std::uint32_t trial = ++trials;
  Job<std::uint64_t> far{"UDP on the far side", [&](const auto& ready) {
                           bed.far.enter();
                           Receiver receiver{bed, kind, trial};
                           ready();
                           return receiver.receive_all(duration_of(seconds) + first_wait);
                         }};
  far.wait_until_ready(Clock::now() + patience);
  Job<TrialCounts> near{"UDP on the near side",
                        [&](const auto&) { return send_paced(bed, kind, trial, rate, seconds); }};
  TrialCounts counts = near.finish(Clock::now() + duration_of(seconds) + patience);
  counts.received = far.finish(Clock::now() + 2 * patience);
  if (counts.received > counts.sent) throw WrongData("UDP: more datagrams arrived than were sent");
  return counts;
}

}  // namespace sixin4::testbed
