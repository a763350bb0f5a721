// Finds the packets of a pcapng file (draft-ietf-opsawg-pcapng): any number of sections, in either byte
// order, with interfaces of different link types, snapshot lengths, time resolutions and time offsets.
//
// The parser asks for bytes and never reads any itself, so that a file, a pipe and memory are all the same to
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire::pcapng {

/// A block that has to be in memory as a whole is no longer. Wireshark and libpcap have the same limit.
inline constexpr std::size_t most_block = std::size_t{16} << 20U;
/// Of one section. The obsolete packet block has 16 bits for an interface's number.
inline constexpr std::size_t most_interfaces = std::size_t{1} << 16U;

struct ParsedPacket {
  std::uint16_t link_type = 0;  ///< LINKTYPE_… of its interface
  std::uint64_t time_ns = 0;    ///< since 1970, at most what 63 bits hold; 0 where the file has no time
  Bytes bytes{};                ///< that the file has of it; a part of the bytes that were given
  std::uint32_t length = 0;     ///< of the packet before it was cut
};

/// What the parser has found where the last step has ended.
struct Step {
  enum class Kind : std::uint8_t {
    needs,   ///< `count` bytes at once, from where the last step has ended
    passes,  ///< over `count` bytes without a packet. They need not be in memory yet
    packet,  ///< takes `count` bytes
    broken   ///< the file contradicts the format, as `fault` says; there is no further step
  };
  Kind kind = Kind::needs;
  std::uint64_t count = 0;
  ParsedPacket packet{};
  std::string fault{};  ///< with the position in the file
};

class Parser {
 public:
  /// `there` begins where the last step has ended, and may be longer or shorter than what was needed.
  [[nodiscard]] Step next(Bytes there);

  /// Whether the file may end where the last step has ended.
  [[nodiscard]] bool is_between_blocks() const noexcept { return skipped_block_ == 0; }
  /// The fault of a file that ends where more bytes are needed.
  [[nodiscard]] std::string ends_early() const;

 private:
  struct Interface {
    std::uint16_t link_type = 0;
    std::uint32_t snap_length = 0;     ///< 0: no limit
    std::uint8_t time_resolution = 6;  ///< if_tsresol: a negative power of 10, or with the top bit set of 2
    std::int64_t time_offset_seconds = 0;
  };

  template <typename Word>
  [[nodiscard]] Word word(Bytes bytes, std::size_t offset) const noexcept;

  [[nodiscard]] bool take_byte_order(Bytes head) noexcept;
  [[nodiscard]] Step take(Bytes block, std::uint32_t type);
  [[nodiscard]] Step take_section(Bytes block);
  [[nodiscard]] Step take_interface(Bytes block);
  [[nodiscard]] std::string take_options(Bytes options, Interface& interface) const;
  [[nodiscard]] Step take_simple_packet(Bytes block);
  [[nodiscard]] Step take_packet(Bytes block, std::uint32_t interface);
  [[nodiscard]] Step take_end_of_skipped_block(Bytes there);
  [[nodiscard]] Step pass(std::uint64_t count) noexcept;
  [[nodiscard]] Step broken(const std::string& what) const;

  bool begun_ = false;
  bool big_endian_ = false;              ///< the section
  std::vector<Interface> interfaces_{};  ///< of the section
  std::uint64_t position_ = 0;           ///< of the block that comes next
  std::uint32_t skipped_block_ = 0;      ///< length of the block whose end comes next; 0: a block begins
};

}  // namespace sixin4::wire::pcapng
