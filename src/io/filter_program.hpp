// Builds socket filters (classic BPF, linux/filter.h). Private to this room.
#pragma once

#include <cstdint>
#include <vector>

#include <linux/filter.h>

#include "sixin4/engine/packet.hpp"

namespace sixin4::io {

/// Offsets of fields in the IPv4 header (RFC 791 §3.1).
namespace ipv4_offset {
inline constexpr std::uint32_t fragment = 6;  ///< flags and fragment offset
inline constexpr std::uint32_t protocol = 9;
inline constexpr std::uint32_t source = 12;
inline constexpr std::uint32_t destination = 16;
}  // namespace ipv4_offset

/// How the program addresses the IPv4 header.
enum class Ipv4HeaderAt : std::uint8_t {
  start,           ///< raw socket: at offset 0; it may have options
  network_offset,  ///< packet socket: at SKF_NET_OFF; without options
};

/// A program that rejects a packet at the first requirement that the packet does not meet, and on a load past
/// the end of the packet.
class FilterProgram {
 public:
  void add(unsigned code, std::uint32_t operand = 0);
  /// Requires that the accumulator equals `operand`, or the index register if `source` is BPF_X.
  void require(unsigned source, std::uint32_t operand = 0);
  /// Requires that the field of this size (BPF_B, BPF_H, BPF_W) has this value.
  void require_at(unsigned size, std::uint32_t offset, std::uint32_t value);
  /// Requires a minimum length of the packet.
  void require_length(std::uint32_t length);
  /// Requires a flow of this worker. A packet too short for any flow belongs to the first worker.
  void require_share(const engine::Share& share, Ipv4HeaderAt header);

  /// Requires no options, no fragment, and an inner packet that is UDP directly after the IPv6 header with
  /// the pseudo-header sum (RFC 8200 §8.1) in its checksum field.
  void require_unfinished_datagram(Ipv4HeaderAt header);
  /// Rejects the packets that meet `require_unfinished_datagram`.
  void refuse_unfinished_datagram(Ipv4HeaderAt header);

  /// Ends the program: it keeps `length` bytes of a packet that meets all requirements, and rejects every
  /// other. Throws std::logic_error if the program is too long for its jumps.
  [[nodiscard]] std::vector<sock_filter> keep(std::uint32_t length);

 private:
  void load(unsigned size, std::uint32_t offset);
  void compute(unsigned operation, unsigned source, std::uint32_t operand = 0);
  void add_to_sum(unsigned load, std::uint32_t offset);

  std::vector<sock_filter> instructions_;
  std::vector<std::size_t> requirements_;  ///< jumps that reject if false
  std::vector<std::size_t> acceptances_;   ///< jumps that accept if true, and else reject
  std::vector<std::size_t> refusals_;      ///< unconditional jumps that reject
};

}  // namespace sixin4::io
