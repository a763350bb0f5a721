// Parses pcapng files (draft-ietf-opsawg-pcapng): any number of sections in either byte order, with
// interfaces of different link types, snapshot lengths, time resolutions and time offsets.
//
// The parser does no input; the caller passes bytes to it, from a file, a pipe or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire::pcapng {

/// Limit in bytes of a block that must be in memory as a whole; the same as in Wireshark and libpcap.
inline constexpr std::size_t most_block = std::size_t{16} << 20U;
/// Limit of the interfaces of a section, because the obsolete packet block has 16 bits for the interface.
inline constexpr std::size_t most_interfaces = std::size_t{1} << 16U;

struct ParsedPacket {
  std::uint16_t link_type = 0;  ///< LINKTYPE_… of the interface
  std::uint64_t time_ns = 0;    ///< since 1970, at most 63 bits; 0 if the file has no time
  Bytes bytes{};                ///< the captured bytes, part of the bytes passed to `next`
  std::uint32_t length = 0;     ///< of the whole packet
};

/// The result of one call of `next`.
struct Step {
  enum class Kind : std::uint8_t {
    needs,   ///< call again with at least `count` bytes from the same position
    passes,  ///< skip `count` bytes without a packet; they need not be in memory
    packet,  ///< a packet, after which `count` bytes are done
    broken   ///< the file violates the format, see `fault`; no further step
  };
  Kind kind = Kind::needs;
  std::uint64_t count = 0;
  ParsedPacket packet{};
  std::string fault{};  ///< with the position in the file
};

class Parser {
 public:
  /// `available` begins at the position of the parser, and may be longer or shorter than `Step::count`.
  [[nodiscard]] Step next(Bytes available);

  /// Whether the file may end at this position.
  [[nodiscard]] bool is_between_blocks() const noexcept { return skipped_block_ == 0; }
  /// The fault of a file that ends in the middle of a block.
  [[nodiscard]] std::string ends_early() const;

 private:
  struct Interface {
    std::uint16_t link_type = 0;
    std::uint32_t snap_length = 0;     ///< 0: no limit
    std::uint8_t time_resolution = 6;  ///< if_tsresol: negative power of 10, or of 2 if the top bit is set
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
  [[nodiscard]] Step take_end_of_skipped_block(Bytes available);
  [[nodiscard]] Step pass(std::uint64_t count) noexcept;
  [[nodiscard]] Step broken(const std::string& what) const;

  bool begun_ = false;
  bool big_endian_ = false;              ///< byte order of the section
  std::vector<Interface> interfaces_{};  ///< of the section
  std::uint64_t position_ = 0;           ///< of the next block
  std::uint32_t skipped_block_ = 0;  ///< length of a skipped block whose end comes next; 0: a block begins
};

}  // namespace sixin4::wire::pcapng
