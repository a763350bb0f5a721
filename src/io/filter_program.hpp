// Socket filters in the making (classic BPF, linux/filter.h), for this room's own use.
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

/// Where the program's loads find the IPv4 header.
enum class Ipv4HeaderAt : std::uint8_t {
  start,           ///< a raw socket's packet; it may have options
  network_offset,  ///< a packet socket's; without options
};

/// A program that refuses a packet as soon as one requirement is not met. A load from behind the packet's end
/// refuses it, too.
class FilterProgram {
 public:
  void add(unsigned code, std::uint32_t operand = 0);
  /// The accumulator equals `operand`, or the index register where `source` is BPF_X.
  void require(unsigned source, std::uint32_t operand = 0);
  /// The field of that size (BPF_B, BPF_H, BPF_W) has this value.
  void require_at(unsigned size, std::uint32_t offset, std::uint32_t value);
  /// The packet is at least so long.
  void require_length(std::uint32_t length);
  /// The packet is of a flow that belongs to this worker; one that is too short for any flow is the first's.
  void require_share(const engine::Share& share, Ipv4HeaderAt header);

  /// The packet has neither options nor fragments, and its inner packet is UDP right behind the IPv6 header,
  /// with the pseudo-header's sum (RFC 8200 §8.1) in its checksum field.
  void require_unfinished_datagram(Ipv4HeaderAt header);
  /// The packet is no such one.
  void refuse_unfinished_datagram(Ipv4HeaderAt header);

  /// Keeps `length` bytes of a packet that meets all requirements, and nothing of any other. Throws
  /// std::logic_error if the program has become too long for its jumps.
  [[nodiscard]] std::vector<sock_filter> keep(std::uint32_t length);

 private:
  void load(unsigned size, std::uint32_t offset);
  void compute(unsigned operation, unsigned source, std::uint32_t operand = 0);
  void add_to_sum(unsigned load, std::uint32_t offset);

  std::vector<sock_filter> instructions_;
  std::vector<std::size_t> requirements_;  ///< jumps that leave where they are false
  std::vector<std::size_t> acceptances_;   ///< jumps that leave for the acceptance at once
  std::vector<std::size_t> refusals_;      ///< jumps that leave whatever was compared
};

}  // namespace sixin4::io
