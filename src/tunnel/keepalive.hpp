// Echo requests to the far end while it is silent (the key `keepalive`).
#pragma once

#include <algorithm>
#include <chrono>

#include "sixin4/io/echo_socket.hpp"
#include "sixin4/wire/address.hpp"

#include "echo_record.hpp"

namespace sixin4::tunnel {

/// Owns the socket and the record of the requests. For one thread.
class Keepalive {
 public:
  using Clock = std::chrono::steady_clock;

  /// A request is due `silence` after the last packet from the far end, the last request, or the construction
  /// at `now`, whichever is latest. Throws std::system_error if the socket cannot be opened.
  Keepalive(std::chrono::seconds silence, const wire::Ipv6Address& far_end, int link_index,
            Clock::time_point now)
      : silence_(silence), socket_(far_end, link_index), last_request_(now) {}

  /// Readable when an answer may have arrived.
  [[nodiscard]] int fd() const noexcept { return socket_.fd(); }
  /// The time of the next request. `heard` is the time of the last packet from the far end.
  [[nodiscard]] Clock::time_point due(Clock::time_point heard) const noexcept {
    return std::max(heard, last_request_) + silence_;
  }
  void send_request(Clock::time_point now) {
    last_request_ = now;
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
  Clock::time_point last_request_;
};

}  // namespace sixin4::tunnel
