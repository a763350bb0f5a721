#include "sixin4/wire/checksum.hpp"

#include <bit>
#include <cstring>

namespace sixin4::wire {

namespace {

template <typename Word>
Word load_native(const std::uint8_t* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

// The sum does not depend on the byte order in which it is taken, but for a swap of the result (RFC 1071
// §2 B). So words are added as the machine loads them, 32 bits at a time into 64 so that no carry is lost,
// in a loop that the compiler turns into vector additions.
InternetSum sum_of(Bytes bytes) noexcept {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t sum = 0;
  for (; left >= 4; at += 4, left -= 4) sum += load_native<std::uint32_t>(at);
  if (left >= 2) {
    sum += load_native<std::uint16_t>(at);
    at += 2;
    left -= 2;
  }
  if (left == 1)
    sum += std::endian::native == std::endian::little ? std::uint64_t{*at} : std::uint64_t{*at} << 8U;

  const std::uint16_t folded = InternetSum{sum}.folded();
  if constexpr (std::endian::native == std::endian::little) {
    return InternetSum{static_cast<std::uint16_t>(folded << 8U | folded >> 8U)};
  } else {
    return InternetSum{folded};
  }
}

InternetSum pseudo_header_sum(const Source<Ipv6Address>& source, const Destination<Ipv6Address>& destination,
                              std::uint32_t length, std::uint8_t next_header) noexcept {
  return sum_of(source.address.octets) + sum_of(destination.address.octets) +
         InternetSum{std::uint64_t{length} + next_header};
}

}  // namespace sixin4::wire
