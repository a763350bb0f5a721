#include "sixin4/wire/transport.hpp"

namespace sixin4::wire {

std::optional<std::size_t> transport_header_length(Bytes packet, std::uint8_t protocol,
                                                   std::size_t offset) noexcept {
  std::size_t length = 0;
  if (protocol == next_header::tcp) {
    const auto header = fixed<tcp::min_header_size>(packet, offset);
    if (!header) return std::nullopt;
    length = tcp::header_length(*header);
    if (length < tcp::min_header_size) return std::nullopt;
  } else if (protocol == next_header::udp) {
    length = udp::header_size;
  } else {
    return std::nullopt;
  }
  if (!slice(packet, offset, length)) return std::nullopt;
  return length;
}

}  // namespace sixin4::wire
