// Addresses as bytes in network order, and the two roles of an address in a header.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire {

struct Ipv4Address {
  std::array<std::uint8_t, 4> octets{};
  auto operator<=>(const Ipv4Address&) const = default;

  /// Whether this can be the address of one host: not 0.0.0.0/8, multicast, reserved or broadcast.
  [[nodiscard]] constexpr bool is_unicast() const noexcept { return octets[0] != 0 && octets[0] < 224; }
};

/// The address of an interface on a link with Ethernet headers.
struct MacAddress {
  std::array<std::uint8_t, 6> octets{};
  auto operator<=>(const MacAddress&) const = default;
};

struct Ipv6Address {
  std::array<std::uint8_t, 16> octets{};
  auto operator<=>(const Ipv6Address&) const = default;

  /// The address as two words: usually the network prefix and the interface identifier.
  [[nodiscard]] constexpr std::uint64_t high() const noexcept { return load64<0>(std::span{octets}); }
  [[nodiscard]] constexpr std::uint64_t low() const noexcept { return load64<8>(std::span{octets}); }
  [[nodiscard]] static constexpr Ipv6Address of_words(std::uint64_t high, std::uint64_t low) noexcept {
    Ipv6Address address;
    store<0>(std::span{address.octets}, high);
    store<8>(std::span{address.octets}, low);
    return address;
  }

  [[nodiscard]] constexpr bool is_unspecified() const noexcept { return (high() | low()) == 0; }
  [[nodiscard]] constexpr bool is_multicast() const noexcept { return octets[0] == 0xff; }
  [[nodiscard]] constexpr bool is_link_local() const noexcept {
    return octets[0] == 0xfe && (octets[1] & 0xc0U) == 0x80;
  }
};

/// A word whose `count` highest bits are set. Requires `count` at most 64.
[[nodiscard]] constexpr std::uint64_t leading_ones(unsigned count) noexcept {
  return count == 0 ? 0 : ~std::uint64_t{0} << (64 - count);
}

/// An IPv6 prefix. The bits of `address` after `length` are kept, and ignored by `contains`.
struct Ipv6Prefix {
  Ipv6Address address;
  std::uint8_t length = 0;  ///< in bits, 0 to 128
  auto operator<=>(const Ipv6Prefix&) const = default;

  [[nodiscard]] constexpr bool contains(const Ipv6Address& other) const noexcept {
    const unsigned high_bits = std::min<unsigned>(length, 64);
    const std::uint64_t high_difference = (address.high() ^ other.high()) & leading_ones(high_bits);
    const std::uint64_t low_difference = (address.low() ^ other.low()) & leading_ones(length - high_bits);
    return (high_difference | low_difference) == 0;
  }
};

/// All addresses from `first` to `last`. Requires `first` at most `last`.
struct Ipv6Range {
  Ipv6Address first;
  Ipv6Address last;
  auto operator<=>(const Ipv6Range&) const = default;
};

[[nodiscard]] constexpr Ipv6Range range_of(const Ipv6Prefix& prefix) noexcept {
  const unsigned high_bits = std::min<unsigned>(prefix.length, 64);
  const std::uint64_t high_mask = leading_ones(high_bits);
  const std::uint64_t low_mask = leading_ones(prefix.length - high_bits);
  const Ipv6Address& address = prefix.address;
  return {Ipv6Address::of_words(address.high() & high_mask, address.low() & low_mask),
          Ipv6Address::of_words(address.high() | ~high_mask, address.low() | ~low_mask)};
}

/// The role of an address in a header. A call with source and destination swapped does not compile.
template <typename Address>
struct Source {
  Address address;
  auto operator<=>(const Source&) const = default;
};
template <typename Address>
struct Destination {
  Address address;
  auto operator<=>(const Destination&) const = default;
};
template <typename Address>
Source(Address) -> Source<Address>;
template <typename Address>
Destination(Address) -> Destination<Address>;

/// The link-local address of one end of a configured tunnel (RFC 4213 §3.7): fe80:: with the IPv4 address in
/// its last four bytes.
[[nodiscard]] constexpr Ipv6Address link_local_of(const Ipv4Address& local) noexcept {
  Ipv6Address address{{0xfe, 0x80}};
  std::copy(local.octets.begin(), local.octets.end(), address.octets.begin() + 12);
  return address;
}

}  // namespace sixin4::wire
