// Merges the outer packets of one TCP flow as the kernel's receive offload does before a raw socket sees them
// (sit_gro_receive and tcp6_gro_complete): one packet with all payloads, matching lengths, and the
// pseudo-header sum in its TCP checksum field.
#pragma once

#include <cstddef>
#include <vector>

#include "packets.hpp"

namespace sixin4::test {

/// `headers` is the length of the inner headers, `transport` the offset of TCP in the inner packet. All
/// packets have the same headers but for the fields that segmentation changes.
inline Octets merged(const std::vector<Octets>& outer_packets, std::size_t transport, std::size_t headers) {
  constexpr std::size_t outer_header = 20;
  Octets whole = outer_packets.front();
  for (std::size_t index = 1; index < outer_packets.size(); ++index) {
    const Octets& next = outer_packets[index];
    whole.insert(whole.end(), next.begin() + static_cast<std::ptrdiff_t>(outer_header + headers), next.end());
    // The whole gets PSH and FIN of the last packet.
    whole[outer_header + transport + 13] = static_cast<std::uint8_t>(
        whole[outer_header + transport + 13] | (next[outer_header + transport + 13] & (tcp_fin | tcp_psh)));
  }
  put_word(whole, 2, whole.size());
  put_word(whole, 10, 0);
  put_word(whole, 10, 0xffffU ^ reference_sum(wire::Bytes{whole}.first(outer_header)));

  Octets inner(whole.begin() + outer_header, whole.end());
  put_word(inner, 4, inner.size() - ipv6_header);
  unfinish_checksum(inner, transport, 16, 6);
  std::copy(inner.begin(), inner.end(), whole.begin() + outer_header);
  return whole;
}

}  // namespace sixin4::test
