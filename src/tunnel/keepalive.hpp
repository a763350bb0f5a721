// Asking the far end for an echo when it has been silent (`keepalive`).
#pragma once

#include <algorithm>
#include <chrono>

#include "sixin4/io/echo_socket.hpp"
#include "sixin4/wire/address.hpp"

#include "echo_record.hpp"

namespace sixin4::tunnel {

class Keepalive {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws std::system_error where the socket cannot be had. The first silence begins at `now`.
  Keepalive(std::chrono::seconds silence, const wire::Ipv6Address& far_end, int link_index,
            Clock::time_point now)
      : silence_(silence), socket_(far_end, link_index), last_asked_(now) {}

  /// Readable when an echo may have come back.
  [[nodiscard]] int fd() const noexcept { return socket_.fd(); }
  /// When the next echo is to leave, where the far end was heard last at `heard`.
  [[nodiscard]] Clock::time_point due(Clock::time_point heard) const noexcept {
    return std::max(heard, last_asked_) + silence_;
  }
  void ask(Clock::time_point now) {
    last_asked_ = now;
    socket_.send(record_.next(now));
  }
  void take_answers(Clock::time_point now) {
    while (const auto sequence = socket_.receive()) record_.answered(*sequence, now);
  }
  [[nodiscard]] const EchoRecord& record() const noexcept { return record_; }

 private:
  std::chrono::seconds silence_;
  io::EchoSocket socket_;
  EchoRecord record_;
  Clock::time_point last_asked_;
};

}  // namespace sixin4::tunnel
