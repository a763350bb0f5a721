#include "sixin4/wire/ipv6.hpp"

#include <algorithm>

namespace sixin4::wire {

void write_ipv6_header(std::span<std::uint8_t, ipv6_header_size> header, const Ipv6Fields& fields) noexcept {
  store32<0>(header, 0x60000000U | std::uint32_t{fields.traffic_class} << 20U);
  set_payload_length(header, fields.payload_length);
  store8<6>(header, fields.next_header);
  store8<7>(header, fields.hop_limit);
  std::ranges::copy(fields.source.address.octets, header.subspan<8, 16>().begin());
  std::ranges::copy(fields.destination.address.octets, header.subspan<24, 16>().begin());
}

std::optional<UpperLayer> walk_extension_headers(Bytes packet) noexcept {
  const Ipv6Header fixed_header{packet.first<ipv6_header_size>()};
  UpperLayer upper{.protocol = fixed_header.next_header(), .offset = ipv6_header_size};
  // Terminates because every turn advances by at least 8 bytes.
  for (;;) {
    std::size_t length = 0;
    switch (extension_kind(upper.protocol)) {
      case ExtensionKind::none:
        return upper;
      case ExtensionKind::in_8_octets: {
        const auto extension = fixed<2>(packet, upper.offset);
        if (!extension) return std::nullopt;
        length = (std::size_t{load8<1>(*extension)} + 1) * 8;  // the field excludes the first 8 octets
        break;
      }
      case ExtensionKind::in_4_octets: {
        const auto extension = fixed<2>(packet, upper.offset);
        if (!extension) return std::nullopt;
        length = (std::size_t{load8<1>(*extension)} + 2) * 4;  // the field is 2 less (RFC 4302 §2.2)
        break;
      }
      case ExtensionKind::fragment: {
        const auto extension = fixed<8>(packet, upper.offset);
        if (!extension) return std::nullopt;
        upper.fragment_offset = load16<2>(*extension) & 0xfff8U;
        upper.identification = load32<4>(*extension);
        // A second fragment header does not clear this.
        upper.more_fragments = upper.more_fragments || (load16<2>(*extension) & 1U) != 0;
        length = 8;
        break;
      }
    }
    const auto extension = slice(packet, upper.offset, length);
    if (!extension) return std::nullopt;
    upper.protocol = extension->front();
    upper.offset += length;
    // A later fragment continues with payload, not with another header.
    if (upper.fragment_offset != 0) return upper;
  }
}

}  // namespace sixin4::wire
