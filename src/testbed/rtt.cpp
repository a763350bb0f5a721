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
constexpr std::chrono::milliseconds longest_trip{500};
constexpr std::chrono::seconds patience{10};

/// A number, and the pattern that belongs to it.
using Datagram = std::array<std::uint8_t, 56>;

Datagram make_datagram(std::uint64_t number) {
  Datagram datagram{};
  std::memcpy(datagram.data(), &number, sizeof number);
  const auto rest = pattern(number, datagram.size() - sizeof number);
  std::memcpy(&datagram[sizeof number], rest.data(), rest.size());
  return datagram;
}

base::FileDescriptor datagram_socket(const Side& own, std::uint16_t own_port, const Side& other,
                                     std::uint16_t other_port) {
  auto socket = bound_socket(SOCK_DGRAM, own.ipv6, own_port);
  connect_datagrams(socket, other.ipv6, other_port);
  return socket;
}

/// Sends back what comes, to where it came from, which a source rule may have chosen; it is ended from
/// outside.
[[noreturn]] void echo(const base::FileDescriptor& socket) {
  Datagram datagram{};
  for (;;) {
    sockaddr_in6 asker{};
    auto* const address = reinterpret_cast<sockaddr*>(&asker);
    socklen_t size = sizeof asker;
    const ssize_t length = ::recvfrom(socket.get(), datagram.data(), datagram.size(), 0, address, &size);
    if (length > 0) {
      (void)::sendto(socket.get(), datagram.data(), static_cast<std::size_t>(length), 0, address, size);
    }
  }
}

/// The answer to datagram `number`; answers to earlier ones, which were given up, are passed by.
bool hear_answer(const base::FileDescriptor& socket, std::uint64_t number, Clock::time_point deadline) {
  for (;;) {
    pollfd polled{.fd = socket.get(), .events = POLLIN, .revents = 0};
    const int timeout_ms = poll_timeout(deadline);
    if (timeout_ms == 0 || ::poll(&polled, 1, timeout_ms) <= 0) return false;
    Datagram answer{};
    const ssize_t length = ::recv(socket.get(), answer.data(), answer.size(), 0);
    std::uint64_t answered = 0;
    std::memcpy(&answered, answer.data(), sizeof answered);
    if (length < 0) continue;  // an ICMPv6 error: the answer is still to come, or not
    if (length != static_cast<ssize_t>(answer.size()) || answered > number ||
        answer != make_datagram(answered)) {
      throw WrongData("UDP: another answer came than was sent");
    }
    if (answered == number) return true;
  }
}

RoundTrips ask(const Bed& bed, double seconds) {
  bed.near.enter();
  const auto socket = datagram_socket(bed.near, near_port, bed.far, far_port);
  const auto start = Clock::now();
  const auto end = start + duration_of(seconds);
  std::vector<double> trips;
  std::uint64_t asked = 0;
  for (auto next = start; next < end; next = std::max(next + interval, Clock::now())) {
    std::this_thread::sleep_until(next);
    const Datagram datagram = make_datagram(++asked);
    const auto sent = Clock::now();
    if (::send(socket.get(), datagram.data(), datagram.size(), 0) < 0 && errno != ECONNREFUSED) {
      throw base::system_failure("cannot send a datagram (send)");
    }
    if (!hear_answer(socket, asked, sent + longest_trip)) continue;
    trips.push_back(std::chrono::duration<double, std::micro>(Clock::now() - sent).count());
  }
  if (2 * trips.size() <= asked) {
    throw std::runtime_error(std::to_string(asked - trips.size()) + " of " + std::to_string(asked) +
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
  far.wait_until_ready(Clock::now() + patience);
  Job<RoundTrips> near{"UDP on the near side", [&](const auto&) { return ask(bed, seconds); }};
  return near.finish(Clock::now() + duration_of(seconds) + patience);
}

}  // namespace sixin4::testbed
