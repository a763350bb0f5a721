// Round trips: an echo process on the far side, a client on the near side.
#include "rtt.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/testbed/pattern.hpp"
#include "sixin4/testbed/process.hpp"
#include "sixin4/testbed/results.hpp"

#include "sockets.hpp"

namespace sixin4::testbed {

namespace {

constexpr std::uint16_t near_port = 5004;
constexpr std::uint16_t far_port = 5005;
constexpr std::chrono::milliseconds interval{5};
constexpr std::chrono::milliseconds answer_timeout{500};
constexpr std::chrono::seconds process_timeout{10};

/// A sequence number in host byte order, and the pattern from that position.
using Datagram = std::array<std::uint8_t, 56>;

Datagram make_datagram(std::uint64_t number) {
  Datagram datagram{};
  std::memcpy(datagram.data(), &number, sizeof number);
  const auto rest = pattern(number, datagram.size() - sizeof number);
  std::memcpy(&datagram[sizeof number], rest.data(), rest.size());
  return datagram;
}

base::FileDescriptor datagram_socket(const Side& local, std::uint16_t local_port, const Side& remote,
                                     std::uint16_t remote_port) {
  auto socket = bound_socket(SOCK_DGRAM, local.ipv6, local_port);
  connect_datagrams(socket, remote.ipv6, remote_port);
  return socket;
}

/// Returns each datagram to its source address, which a source rule may have rewritten, until the parent
/// kills the process.
[[noreturn]] void echo(const base::FileDescriptor& socket) {
  Datagram datagram{};
  for (;;) {
    sockaddr_in6 source{};
    auto* const address = reinterpret_cast<sockaddr*>(&source);
    socklen_t size = sizeof source;
    const ssize_t length = ::recvfrom(socket.get(), datagram.data(), datagram.size(), 0, address, &size);
    if (length > 0) {
      (void)::sendto(socket.get(), datagram.data(), static_cast<std::size_t>(length), 0, address, size);
    }
  }
}

/// Waits for the answer to datagram `number` and returns whether it arrived. Late answers to earlier
/// datagrams are ignored.
bool receive_answer(const base::FileDescriptor& socket, std::uint64_t number, Clock::time_point deadline) {
  for (;;) {
    pollfd polled{.fd = socket.get(), .events = POLLIN, .revents = 0};
    const int timeout_ms = poll_timeout(deadline);
    if (timeout_ms == 0 || ::poll(&polled, 1, timeout_ms) <= 0) return false;
    Datagram answer{};
    const ssize_t length = ::recv(socket.get(), answer.data(), answer.size(), 0);
    std::uint64_t answered = 0;
    std::memcpy(&answered, answer.data(), sizeof answered);
    if (length < 0) continue;  // an ICMPv6 error; the answer may still arrive
    if (length != static_cast<ssize_t>(answer.size()) || answered > number ||
        answer != make_datagram(answered)) {
      throw WrongData("UDP: an answer arrived with other bytes than were sent");
    }
    if (answered == number) return true;
  }
}

RoundTrips send_requests(const Bed& bed, double seconds) {
  bed.near.enter();
  const auto socket = datagram_socket(bed.near, near_port, bed.far, far_port);
  const auto start = Clock::now();
  const auto end = start + duration_of(seconds);
  std::vector<double> trips;
  std::uint64_t requests = 0;
  for (auto next = start; next < end; next = std::max(next + interval, Clock::now())) {
    std::this_thread::sleep_until(next);
    const Datagram datagram = make_datagram(++requests);
    const auto sent = Clock::now();
    if (::send(socket.get(), datagram.data(), datagram.size(), 0) < 0 && errno != ECONNREFUSED) {
      throw base::system_failure("cannot send a datagram (send)");
    }
    if (!receive_answer(socket, requests, sent + answer_timeout)) continue;
    trips.push_back(std::chrono::duration<double, std::micro>(Clock::now() - sent).count());
  }
  if (2 * trips.size() <= requests) {
    throw std::runtime_error(std::to_string(requests - trips.size()) + " of " + std::to_string(requests) +
                             " round trips were lost");
  }
  return {.median_us = percentile(trips, 50), .p99_us = percentile(trips, 99)};
}

}  // namespace

RoundTrips measure_round_trips(const Bed& bed, double seconds) {
  Job<bool> far{"UDP on the far side", [&](const auto& ready) -> bool {
                  bed.far.enter();
                  const auto socket = bound_socket(SOCK_DGRAM, bed.far.ipv6, far_port);
                  ready();
                  echo(socket);
                }};
  far.wait_until_ready(Clock::now() + process_timeout);
  Job<RoundTrips> near{"UDP on the near side", [&](const auto&) { return send_requests(bed, seconds); }};
  return near.finish(Clock::now() + duration_of(seconds) + process_timeout);
}

}  // namespace sixin4::testbed
