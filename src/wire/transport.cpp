#include "sixin4/wire/transport.hpp"

namespace sixin4::wire::tcp {

namespace {

constexpr std::uint8_t option_end = 0;
constexpr std::uint8_t option_nothing = 1;
constexpr std::uint8_t option_mss = 2;
constexpr std::size_t mss_option_size = 4;

}  // namespace

std::optional<std::size_t> find_mss(Bytes options) noexcept {
  std::size_t at = 0;
  while (at < options.size() && options[at] != option_end) {
    if (options[at] == option_nothing) {
      ++at;
      continue;
    }
    const auto option = fixed<2>(options, at);
    if (!option) return std::nullopt;
    const std::size_t length = load8<1>(*option);
    if (length < option->size() || length > options.size() - at) return std::nullopt;
    if (options[at] == option_mss) {
      return length == mss_option_size ? std::optional{at + option->size()} : std::nullopt;
    }
    at += length;
  }
  return std::nullopt;
}

}  // namespace sixin4::wire::tcp
