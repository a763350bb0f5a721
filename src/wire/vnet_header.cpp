#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::wire {

namespace {

constexpr std::uint8_t flag_needs_csum = 1;
constexpr std::uint8_t gso_ecn_bit = 0x80;

constexpr std::uint16_t swapped(std::uint16_t value) noexcept {
  return static_cast<std::uint16_t>(unsigned{value} << 8U | unsigned{value} >> 8U);
}

template <std::size_t Offset>
std::uint16_t load16_in(std::span<const std::uint8_t, vnet_header_size> bytes, std::endian order) noexcept {
  const std::uint16_t value = load16<Offset>(bytes);
  return order == std::endian::big ? value : swapped(value);
}

template <std::size_t Offset>
void store16_in(std::span<std::uint8_t, vnet_header_size> bytes, std::uint16_t value,
                std::endian order) noexcept {
  store16<Offset>(bytes, order == std::endian::big ? value : swapped(value));
}

}  // namespace

VnetHeader read_vnet_header(std::span<const std::uint8_t, vnet_header_size> bytes,
                            std::endian order) noexcept {
  return {
      .needs_checksum = (load8<0>(bytes) & flag_needs_csum) != 0,
      .gso = static_cast<Gso>(load8<1>(bytes) & ~gso_ecn_bit),
      .gso_ecn = (load8<1>(bytes) & gso_ecn_bit) != 0,
      .header_length = load16_in<2>(bytes, order),
      .gso_size = load16_in<4>(bytes, order),
      .checksum_start = load16_in<6>(bytes, order),
      .checksum_offset = load16_in<8>(bytes, order),
  };
}

void write_vnet_header(std::span<std::uint8_t, vnet_header_size> bytes, const VnetHeader& header,
                       std::endian order) noexcept {
  store8<0>(bytes, header.needs_checksum ? flag_needs_csum : std::uint8_t{0});
  store8<1>(bytes, static_cast<std::uint8_t>(static_cast<std::uint8_t>(header.gso) |
                                             (header.gso_ecn ? gso_ecn_bit : 0U)));
  store16_in<2>(bytes, header.header_length, order);
  store16_in<4>(bytes, header.gso_size, order);
  store16_in<6>(bytes, header.checksum_start, order);
  store16_in<8>(bytes, header.checksum_offset, order);
}

}  // namespace sixin4::wire
