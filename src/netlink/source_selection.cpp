// Source address selection (RFC 6724 §5): the comparison of candidates, rule by rule.
#include "sixin4/netlink/source_selection.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace sixin4::netlink {

namespace {

bool is_loopback(const wire::Ipv6Address& address) noexcept {
  return address.high() == 0 && address.low() == 1;
}

/// RFC 6724 §3.1: link-local, site-local and global unicast, and the scope field of multicast addresses.
int scope_of(const wire::Ipv6Address& address) noexcept {
  constexpr int link_local = 2;
  constexpr int site_local = 5;
  constexpr int global = 14;
  if (address.is_multicast()) return address.octets[1] & 0x0f;
  if (address.is_link_local() || is_loopback(address)) return link_local;
  return address.octets[0] == 0xfe && (address.octets[1] & 0xc0) == 0xc0 ? site_local : global;
}

unsigned common_prefix_length(const wire::Ipv6Address& one, const wire::Ipv6Address& other) noexcept {
  const auto high = static_cast<unsigned>(std::countl_zero(one.high() ^ other.high()));
  return high < 64 ? high : 64 + static_cast<unsigned>(std::countl_zero(one.low() ^ other.low()));
}

/// The label of the longest matching prefix. Between prefixes of the same length, a label for a link precedes
/// a label for all links.
std::uint32_t label_of(const wire::Ipv6Address& address, int link_index,
                       std::span<const PolicyLabel> labels) noexcept {
  const PolicyLabel* best = nullptr;
  for (const PolicyLabel& label : labels) {
    if (!label.prefix.contains(address) || (label.link_index != 0 && label.link_index != link_index))
      continue;
    const bool better = best == nullptr || label.prefix.length > best->prefix.length ||
                        (label.prefix.length == best->prefix.length && best->link_index == 0);
    if (better) best = &label;
  }
  return best == nullptr ? 1 : best->label;
}

/// The properties of an address that the rules compare.
struct Candidate {
  bool same = false;  ///< it is the destination
  int scope = 0;
  bool reaches = false;  ///< its scope is at least the scope of the destination
  bool preferred = false;
  bool outgoing = false;
  bool same_label = false;
  bool temporary = false;
  unsigned prefix = 0;
};

Candidate candidate_of(const HostAddress& address, const wire::Ipv6Address& destination, int link_index,
                       std::span<const PolicyLabel> labels) noexcept {
  const int scope = scope_of(address.address);
  return {.same = address.address == destination,
          .scope = scope,
          .reaches = scope >= scope_of(destination),
          .preferred = !address.deprecated,
          .outgoing = address.link_index == link_index,
          .same_label = label_of(address.address, address.link_index, labels) ==
                        label_of(destination, link_index, labels),
          .temporary = address.temporary,
          .prefix =
              std::min<unsigned>(common_prefix_length(address.address, destination), address.prefix_length)};
}

/// The number of the first rule that prefers one of the two: positive for `one`, negative for `other`, 0 for
/// a tie. Rule 4, about home addresses of mobile hosts, does not apply.
int deciding_rule(const Candidate& one, const Candidate& other) noexcept {
  const auto by = [](int rule, bool first) { return first ? rule : -rule; };
  if (one.same != other.same) return by(1, one.same);
  if (one.scope != other.scope) {
    const bool one_smaller = one.scope < other.scope;
    return by(2, one_smaller ? one.reaches : !other.reaches);
  }
  if (one.preferred != other.preferred) return by(3, one.preferred);
  if (one.outgoing != other.outgoing) return by(5, one.outgoing);
  if (one.same_label != other.same_label) return by(6, one.same_label);
  if (one.temporary != other.temporary) return 7;  // the sysctl use_tempaddr decides, so the chosen one wins
  if (one.prefix != other.prefix) return by(8, one.prefix > other.prefix);
  return 0;
}

}  // namespace

std::optional<SourceReason> reason_for(const wire::Ipv6Address& chosen, const wire::Ipv6Address& destination,
                                       int link_index, std::span<const HostAddress> addresses,
                                       std::span<const PolicyLabel> labels) {
  // Several links may have the chosen address. The one on the output link wins.
  const HostAddress* winner = nullptr;
  for (const HostAddress& address : addresses) {
    if (address.address == chosen && (winner == nullptr || address.link_index == link_index))
      winner = &address;
  }
  if (winner == nullptr) return std::nullopt;
  const Candidate best = candidate_of(*winner, destination, link_index, labels);
  SourceReason reason;
  bool tied = false;
  for (const HostAddress& address : addresses) {
    // Addresses of link-local scope on other links are left out: they are not candidates for a link-local
    // destination (RFC 6724 §4).
    const bool on_other_link =
        (address.address.is_link_local() || is_loopback(address.address)) && address.link_index != link_index;
    if (address.address == chosen || on_other_link) continue;
    const int rule = deciding_rule(best, candidate_of(address, destination, link_index, labels));
    if (rule < 0) return std::nullopt;
    if (rule == 0 && !tied) {
      reason = {.rule = 0, .rival = address.address};
      tied = true;
    }
    if (!tied && rule > reason.rule) reason = {.rule = rule, .rival = address.address};
  }
  return reason;
}

const char* name_of_source_rule(int rule) noexcept {
  constexpr std::array names{"",
                             "the destination itself",
                             "the smallest scope that reaches it",
                             "not deprecated",
                             "a home address",
                             "an address of the outgoing link",
                             "the label of the destination",
                             "temporary or public, as the host prefers",
                             "the longest prefix in common"};
  return rule >= 0 && static_cast<std::size_t>(rule) < names.size() ? names[static_cast<std::size_t>(rule)]
                                                                    : "";
}

}  // namespace sixin4::netlink
