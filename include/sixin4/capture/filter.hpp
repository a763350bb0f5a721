// Filters in tcpdump's language (pcap-filter(7)), by libpcap.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::capture {

/// Of packets that begin with an IPv4 or IPv6 header.
class Filter {
 public:
  /// An empty expression matches everything. Throws std::invalid_argument with what libpcap says of one that
  /// is not valid.
  explicit Filter(const std::string& expression);
  ~Filter();
  Filter(Filter&& other) noexcept;
  Filter& operator=(Filter&& other) noexcept;
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  /// `packet` is what there is of one of `length` bytes.
  [[nodiscard]] bool matches(wire::Bytes packet, std::uint32_t length) const noexcept;

 private:
  struct Program;
  std::unique_ptr<Program> program_;
};

}  // namespace sixin4::capture
