#include "sixin4/wire/pcapng_parser.hpp"

#include <algorithm>
#include <limits>

#include "sixin4/wire/pcapng_format.hpp"

namespace sixin4::wire::pcapng {

namespace {

using Kind = Step::Kind;

// Type, length, and in a section header the byte-order magic, which is needed to read the length. The
// shortest block has the same size: type, length, and the length again.
constexpr std::size_t head_size = 12;
constexpr std::size_t trailer_size = 4;
constexpr std::size_t option_head = 4;

// Length of the fixed part of each block.
constexpr std::size_t section_fixed = 24;
constexpr std::size_t interface_fixed = 16;
constexpr std::size_t simple_packet_fixed = 12;
constexpr std::size_t packet_fixed = 28;

constexpr std::uint64_t ns_per_second = 1'000'000'000;

constexpr std::uint16_t swapped(std::uint16_t word) noexcept {
  return __builtin_bswap16(word);
}
constexpr std::uint32_t swapped(std::uint32_t word) noexcept {
  return __builtin_bswap32(word);
}
constexpr std::uint64_t swapped(std::uint64_t word) noexcept {
  return __builtin_bswap64(word);
}

struct Time {
  std::uint64_t seconds = 0;
  std::uint64_t ns = 0;
};

/// Requires `exponent` up to 19, the limit of 64 bits.
constexpr std::uint64_t power_of_10(unsigned exponent) noexcept {
  std::uint64_t power = 1;
  while (exponent-- != 0) power *= 10;
  return power;
}

/// The time of a stamp in units of 10^-digits s.
constexpr Time decimal_time(std::uint64_t stamp, unsigned digits) noexcept {
  constexpr unsigned ns_digits = 9;
  constexpr unsigned most = 19;
  if (digits <= ns_digits) {
    const std::uint64_t units = power_of_10(digits);
    return {.seconds = stamp / units, .ns = stamp % units * power_of_10(ns_digits - digits)};
  }
  // With more than 19 digits 64 bits hold less than a second, with more than 28 less than a nanosecond.
  if (digits > most) {
    return {.ns = digits - ns_digits > most ? 0 : stamp / power_of_10(digits - ns_digits)};
  }
  const std::uint64_t units = power_of_10(digits);
  return {.seconds = stamp / units, .ns = stamp % units / power_of_10(digits - ns_digits)};
}

/// The time of a stamp in units of 2^-bits s.
constexpr Time binary_time(std::uint64_t stamp, unsigned bits) noexcept {
  constexpr unsigned all = 64;
  // The fraction of a second in units of 2^-64 s. It is multiplied in two halves, because the product has 94
  // bits.
  std::uint64_t fraction = 0;
  if (bits > all) fraction = bits - all < all ? stamp >> (bits - all) : 0;
  if (bits == all) fraction = stamp;
  if (bits > 0 && bits < all) fraction = stamp << (all - bits);
  const std::uint64_t low = (fraction & 0xffffffffU) * ns_per_second;
  const std::uint64_t high = (fraction >> 32U) * ns_per_second;
  return {.seconds = bits < all ? stamp >> bits : 0, .ns = (high + (low >> 32U)) >> 32U};
}

/// Nanoseconds since 1970, limited to 63 bits. `resolution` is if_tsresol: a negative power of 10, or of 2
/// with its top bit set.
std::uint64_t time_of(std::uint64_t stamp, std::uint8_t resolution, std::int64_t offset_seconds) noexcept {
  constexpr std::uint8_t binary = 0x80;
  const unsigned exponent = resolution & ~unsigned{binary};
  const Time time = (resolution & binary) != 0 ? binary_time(stamp, exponent) : decimal_time(stamp, exponent);
  // Half of the limits, so that the sum does not overflow.
  constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max() / 2;
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / std::int64_t{ns_per_second} - 1;
  const auto stamped = static_cast<std::int64_t>(std::min<std::uint64_t>(time.seconds, far));
  const std::int64_t seconds = stamped + std::clamp(offset_seconds, -far, far);
  if (seconds < 0) return 0;
  if (seconds > most) return std::uint64_t{most} * ns_per_second + ns_per_second - 1;
  return static_cast<std::uint64_t>(seconds) * ns_per_second + time.ns;
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

std::size_t padded(std::size_t size) noexcept {
  return (size + alignment - 1) / alignment * alignment;
}

/// Whether blocks of this type are parsed, and needed in memory as a whole.
bool is_read(std::uint32_t type) noexcept {
  return type == block::section_header || type == block::interface_description || type == block::packet ||
         type == block::simple_packet || type == block::enhanced_packet;
}

std::size_t least_size(std::uint32_t type) noexcept {
  switch (type) {
    case block::section_header:
      return section_fixed + trailer_size;
    case block::interface_description:
      return interface_fixed + trailer_size;
    case block::simple_packet:
      return simple_packet_fixed + trailer_size;
    case block::packet:
    case block::enhanced_packet:
      return packet_fixed + trailer_size;
    default:
      return head_size;
  }
}

}  // namespace

/// Reads a word in the byte order of the section. Blocks are at least as long as their fixed part, so `bytes`
/// hold it.
template <typename Word>
Word Parser::word(Bytes bytes, std::size_t offset) const noexcept {
  const Word in_network_order = network_order(load_native<Word>(bytes, offset));
  return big_endian_ ? in_network_order : swapped(in_network_order);
}

Step Parser::next(Bytes available) {
  if (skipped_block_ != 0) return take_end_of_skipped_block(available);
  if (available.size() < head_size) return {.count = head_size};
  const auto type_in_file = load32<0>(available.first<head_size>());
  if (type_in_file == block::section_header) {
    if (!take_byte_order(available)) return broken("a section header without the byte-order magic");
  } else if (!begun_) {
    return broken("no section header, with which a pcapng file begins");
  }
  const auto type = word<std::uint32_t>(available, 0);
  const auto length = word<std::uint32_t>(available, 4);
  const auto what = [&] { return "a block of type " + number(type) + " and " + number(length) + " bytes"; };
  if (length % alignment != 0) return broken(what() + ", which is no multiple of 4");
  if (length < least_size(type)) return broken(what() + ", which is too short for its type");
  if (!is_read(type)) {
    skipped_block_ = length;
    return {.kind = Kind::passes, .count = length - trailer_size};
  }
  if (length > most_block) return broken(what() + ", of which " + number(most_block) + " are read at most");
  if (available.size() < length) return {.count = length};
  const Bytes block = available.first(length);
  const auto again = word<std::uint32_t>(block, length - trailer_size);
  if (again != length) return broken(what() + ", with a length of " + number(again) + " at its end");
  return take(block, type);
}

/// Takes the byte order from the start of a section header, and removes the interfaces of the previous
/// section.
bool Parser::take_byte_order(Bytes head) noexcept {
  const std::uint32_t magic = load32<8>(head.first<head_size>());
  if (magic != byte_order_magic && magic != swapped(byte_order_magic)) return false;
  begun_ = true;
  big_endian_ = magic == byte_order_magic;
  interfaces_.clear();
  return true;
}

Step Parser::take(Bytes block, std::uint32_t type) {
  switch (type) {
    case block::section_header:
      return take_section(block);
    case block::interface_description:
      return take_interface(block);
    case block::simple_packet:
      return take_simple_packet(block);
    case block::packet:
      return take_packet(block, word<std::uint16_t>(block, 8));
    default:
      return take_packet(block, word<std::uint32_t>(block, 8));
  }
}

/// Ignores the length of the section, which may be -1 (unknown): blocks are read one after the other.
Step Parser::take_section(Bytes block) {
  const auto major = word<std::uint16_t>(block, 12);
  const auto minor = word<std::uint16_t>(block, 14);
  // Some programs write 1.2 (section 4.1 of the draft) for 1.0.
  if (major != 1 || (minor != 0 && minor != 2)) {
    return broken("version " + number(major) + '.' + number(minor) + " of the format, not 1.0");
  }
  return pass(block.size());
}

Step Parser::take_interface(Bytes block) {
  if (interfaces_.size() == most_interfaces) {
    return broken("more than " + number(most_interfaces) + " interfaces in a section");
  }
  Interface interface {
    .link_type = word<std::uint16_t>(block, 8), .snap_length = word<std::uint32_t>(block, 12)
  };
  const Bytes options = block.first(block.size() - trailer_size).subspan(interface_fixed);
  const std::string fault = take_options(options, interface);
  if (!fault.empty()) return broken("interface " + number(interfaces_.size()) + ": " + fault);
  interfaces_.push_back(interface);
  return pass(block.size());
}

/// Returns a fault, or an empty string. The end-of-options option may be missing at the end of a block.
std::string Parser::take_options(Bytes options, Interface& interface) const {
  while (options.size() >= option_head) {
    const auto code = word<std::uint16_t>(options, 0);
    const auto length = word<std::uint16_t>(options, 2);
    if (code == option::end) return {};
    const auto what = [&] { return "option " + number(code) + " of " + number(length) + " bytes"; };
    if (padded(length) > options.size() - option_head) return what() + " is longer than its block";
    const Bytes value = options.subspan(option_head, length);
    options = options.subspan(option_head + padded(length));
    if (code == option::interface_time_resolution) {
      if (length != sizeof(std::uint8_t)) return what() + ", where a time resolution has 1";
      interface.time_resolution = value.front();
    } else if (code == option::interface_time_offset) {
      if (length != sizeof(std::uint64_t)) return what() + ", where a time offset has 8";
      interface.time_offset_seconds = static_cast<std::int64_t>(word<std::uint64_t>(value, 0));
    }
  }
  return {};
}

/// A simple packet belongs to the first interface of the section. It has no time and no captured length.
Step Parser::take_simple_packet(Bytes block) {
  if (interfaces_.empty()) return broken("a packet, but no interface is described before it");
  const Interface& interface = interfaces_.front();
  const auto length = word<std::uint32_t>(block, 8);
  const std::uint32_t kept = interface.snap_length == 0 ? length : std::min(length, interface.snap_length);
  const auto bytes = slice(block.first(block.size() - trailer_size), simple_packet_fixed, kept);
  if (!bytes) return broken("a packet of " + number(kept) + " bytes is longer than its block");
  const std::uint64_t count = pass(block.size()).count;
  return {.kind = Kind::packet,
          .count = count,
          .packet = {.link_type = interface.link_type, .bytes = *bytes, .length = length}};
}

/// Takes an enhanced packet block, or the obsolete packet block, which differs in the size of the interface
/// number.
Step Parser::take_packet(Bytes block, std::uint32_t interface) {
  if (interface >= interfaces_.size()) {
    return broken("a packet of interface " + number(interface) + ", but " + number(interfaces_.size()) +
                  " interfaces are described before it");
  }
  const Interface& from = interfaces_[interface];
  const std::uint64_t stamp =
      std::uint64_t{word<std::uint32_t>(block, 12)} << 32U | word<std::uint32_t>(block, 16);
  const auto kept = word<std::uint32_t>(block, 20);
  const auto bytes = slice(block.first(block.size() - trailer_size), packet_fixed, kept);
  if (!bytes) return broken("a packet of " + number(kept) + " bytes is longer than its block");
  const std::uint64_t count = pass(block.size()).count;
  return {.kind = Kind::packet,
          .count = count,
          .packet = {.link_type = from.link_type,
                     .time_ns = time_of(stamp, from.time_resolution, from.time_offset_seconds),
                     .bytes = *bytes,
                     .length = std::max(kept, word<std::uint32_t>(block, 24))}};
}

Step Parser::take_end_of_skipped_block(Bytes available) {
  if (available.size() < trailer_size) return {.count = trailer_size};
  const auto again = word<std::uint32_t>(available, 0);
  if (again != skipped_block_) {
    return broken("a block of " + number(skipped_block_) + " bytes, with a length of " + number(again) +
                  " at its end");
  }
  position_ += skipped_block_;
  skipped_block_ = 0;
  return {.kind = Kind::passes, .count = trailer_size};
}

/// Skips a whole block.
Step Parser::pass(std::uint64_t count) noexcept {
  position_ += count;
  return {.kind = Kind::passes, .count = count};
}

Step Parser::broken(const std::string& what) const {
  return {.kind = Kind::broken, .fault = "byte " + number(position_) + ": " + what};
}

std::string Parser::ends_early() const {
  return "byte " + number(position_) + ": the file ends within the block that begins there";
}

}  // namespace sixin4::wire::pcapng
