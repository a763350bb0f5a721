#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::wire {

namespace {

constexpr std::uint8_t flag_needs_csum = 1;
constexpr std::uint8_t gso_ecn_bit = 0x80;

template <std::size_t Offset>
std::uint16_t load_little16(std::span<const std::uint8_t, vnet_header_size> bytes) noexcept {
  return static_cast<std::uint16_t>(load8<Offset>(bytes) | unsigned{load8<Offset + 1>(bytes)} << 8U);
}

template <std::size_t Offset>
void store_little16(std::span<std::uint8_t, vnet_header_size> bytes, std::uint16_t value) noexcept {
  store8<Offset>(bytes, static_cast<std::uint8_t>(value));
  store8<Offset + 1>(bytes, static_cast<std::uint8_t>(value >> 8U));
}

}  // namespace

VnetHeader read_vnet_header(std::span<const std::uint8_t, vnet_header_size> bytes) noexcept {
  return {
      .needs_checksum = (load8<0>(bytes) & flag_needs_csum) != 0,
      .gso = static_cast<Gso>(load8<1>(bytes) & ~gso_ecn_bit),
      .gso_ecn = (load8<1>(bytes) & gso_ecn_bit) != 0,
      .header_length = load_little16<2>(bytes),
      .gso_size = load_little16<4>(bytes),
      .checksum_start = load_little16<6>(bytes),
      .checksum_offset = load_little16<8>(bytes),
  };
}

void write_vnet_header(std::span<std::uint8_t, vnet_header_size> bytes, const VnetHeader& header) noexcept {
  store8<0>(bytes, header.needs_checksum ? flag_needs_csum : std::uint8_t{0});
  store8<1>(bytes, static_cast<std::uint8_t>(static_cast<std::uint8_t>(header.gso) |
                                             (header.gso_ecn ? gso_ecn_bit : 0U)));
  store_little16<2>(bytes, header.header_length);
  store_little16<4>(bytes, header.gso_size);
  store_little16<6>(bytes, header.checksum_start);
  store_little16<8>(bytes, header.checksum_offset);
}

}  // namespace sixin4::wire
