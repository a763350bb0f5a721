#include "sixin4/engine/mss.hpp"

#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

constexpr std::uint8_t option_end = 0;
constexpr std::uint8_t option_nothing = 1;
constexpr std::uint8_t option_mss = 2;
constexpr std::size_t mss_option_size = 4;

/// Where the MSS stands in the options; nothing where there is none, or they contradict themselves.
std::optional<std::size_t> find_mss(wire::Bytes options) noexcept {
  std::size_t at = 0;
  while (at < options.size() && options[at] != option_end) {
    if (options[at] == option_nothing) {
      ++at;
      continue;
    }
    const auto option = wire::fixed<2>(options, at);
    if (!option) return std::nullopt;
    const std::size_t length = wire::load8<1>(*option);
    if (length < option->size() || length > options.size() - at) return std::nullopt;
    if (options[at] == option_mss) {
      return length == mss_option_size ? std::optional{at + option->size()} : std::nullopt;
    }
    at += length;
  }
  return std::nullopt;
}

}  // namespace

void clamp_mss(TunPacket& packet, std::uint16_t mtu) noexcept {
  const auto upper = wire::upper_layer_of(packet.bytes);
  if (!upper || upper->protocol != wire::next_header::tcp || upper->is_fragment()) return;
  const auto length = wire::transport_header_length(packet.bytes, upper->protocol, upper->offset);
  if (length == 0) return;
  const wire::MutableBytes header = packet.bytes.subspan(upper->offset, length);
  const auto tcp = header.first<wire::tcp::min_header_size>();
  if ((wire::tcp::flags(tcp) & wire::tcp::flag_syn) == 0) return;

  const wire::MutableBytes options = header.subspan(wire::tcp::min_header_size);
  const auto at = find_mss(options);
  if (!at) return;
  const auto field = options.subspan(*at).first<2>();
  const auto largest = static_cast<std::uint16_t>(mtu - wire::ipv6_header_size - wire::tcp::min_header_size);
  const std::uint16_t announced = wire::load16<0>(field);
  if (announced <= largest) return;
  wire::store16<0>(field, largest);
  if (packet.offload.needs_checksum) return;

  // The checksum counts 16-bit words from the header's start; an option may stand across two of them.
  const bool across = *at % 2 != 0;
  const auto in_place = [across](std::uint16_t value) {
    return static_cast<std::uint16_t>(across ? value << 8U | value >> 8U : value);
  };
  const auto checksum = tcp.subspan<wire::tcp::checksum_offset, 2>();
  // RFC 1624, equation 3.
  const auto sum = wire::InternetSum{wire::load16<0>(checksum)}.inverse() +
                   wire::InternetSum{in_place(announced)}.inverse() + wire::InternetSum{in_place(largest)};
  wire::store16<0>(checksum, sum.checksum());
}

}  // namespace sixin4::engine
