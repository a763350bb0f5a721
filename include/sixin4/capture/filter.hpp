// Packet filters in tcpdump's language (pcap-filter(7)), compiled and run by libpcap.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::capture {

/// Matches packets that begin with an IPv4 or IPv6 header.
class Filter {
 public:
  /// An empty expression matches every packet. Throws std::invalid_argument with libpcap's message if the
  /// expression is not valid, or if it asks for more than the content of the packet.
  explicit Filter(const std::string& expression);
  ~Filter();
  Filter(Filter&& other) noexcept;
  Filter& operator=(Filter&& other) noexcept;
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  /// `packet` is the kept part of a packet of `length` bytes.
  [[nodiscard]] bool matches(wire::Bytes packet, std::uint32_t length) const noexcept;

 private:
  struct Program;
  std::unique_ptr<Program> program_;
};

}  // namespace sixin4::capture
