#include "values.hpp"

#include <sstream>

#include "sixin4/control/address_text.hpp"
#include "sixin4/control/network_objects.hpp"
#include "sixin4/control/printable.hpp"

namespace sixin4::control {

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream stream{text};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

wire::Ipv6Prefix parse_prefix(const std::string& text) {
  const auto prefix = parse_ipv6_prefix(text);
  if (!prefix || text.find('/') == std::string::npos)
    throw ValueError(in_quotes(text) + " is not an IPv6 PREFIX/LENGTH");
  const Ipv6Route masked = canonical(Ipv6Route{.prefix = *prefix});
  if (masked.prefix != *prefix) {
    throw ValueError(in_quotes(text) + " has bits set beyond its length; the prefix is " +
                     to_string(masked.prefix));
  }
  return *prefix;
}

bool is_host(const wire::Ipv6Address& address) {
  constexpr wire::Ipv6Address loopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  return !address.is_multicast() && !address.is_unspecified() && address != loopback;
}

}  // namespace sixin4::control
