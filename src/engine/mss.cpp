#include "sixin4/engine/mss.hpp"

#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

void clamp_mss(TunPacket& packet, std::uint16_t mtu) noexcept {
  const auto upper = wire::upper_layer_of(packet.bytes);
  if (!upper || upper->protocol != wire::next_header::tcp || upper->is_fragment()) return;
  const auto length = wire::transport_header_length(packet.bytes, upper->protocol, upper->offset);
  if (length == 0) return;
  const wire::MutableBytes header = packet.bytes.subspan(upper->offset, length);
  const auto tcp = header.first<wire::tcp::min_header_size>();
  if ((wire::tcp::flags(tcp) & wire::tcp::flag_syn) == 0) return;

  const wire::MutableBytes options = header.subspan(wire::tcp::min_header_size);
  const auto at = wire::tcp::find_mss(options);
  if (!at) return;
  const auto field = options.subspan(*at).first<2>();
  const auto largest = static_cast<std::uint16_t>(mtu - wire::ipv6_header_size - wire::tcp::min_header_size);
  const std::uint16_t announced = wire::load16<0>(field);
  if (announced <= largest) return;
  wire::store16<0>(field, largest);
  if (packet.offload.needs_checksum) return;

  // The checksum sums 16-bit words from the start of the header; the MSS may lie across two of them.
  const bool across = *at % 2 != 0;
  const auto in_place = [across](std::uint16_t value) {
    return static_cast<std::uint16_t>(across ? value << 8U | value >> 8U : value);
  };
  const auto checksum = tcp.subspan<wire::tcp::checksum_offset, 2>();
  const auto sum = wire::InternetSum{wire::load16<0>(checksum)}.inverse() +
                   wire::change_of(in_place(announced), in_place(largest));
  wire::store16<0>(checksum, sum.checksum());
}

}  // namespace sixin4::engine
