#include "sixin4/tunnel/wire_choice.hpp"

#include <system_error>

#include "sixin4/io/packet_sender.hpp"
#include "sixin4/netlink/firewall_probe.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::tunnel {

namespace {

/// What of the IP layer a packet socket would pass by to somebody's harm.
std::optional<std::string> user_of_ip_layer(netlink::Netlink& netlink, config::Wire wanted) {
  try {
    if (netlink::has_ipsec_policy()) return "this host has IPsec policies";
    if (netlink.has_rules_beyond_path_query()) return "this host routes IPv4 by protocol, port or TOS";
    if (wanted == config::Wire::packet) return std::nullopt;  // whoever says so knows of the firewall
    if (const auto filter = netlink::packet_filter()) return "this host has " + *filter;
    return std::nullopt;
  } catch (const std::system_error& error) {
    return error.what();
  }
}

/// Throws where no packet socket can be had, for example because a seccomp profile forbids AF_PACKET. One
/// that was had once is not tried again: the choice is made every second, and closing a packet socket takes
/// the kernel a while.
void try_packet_socket(const io::NextHop& next_hop) {
  static std::optional<io::NextHop> last;
  if (last == next_hop) return;
  const io::PacketSender trial{next_hop};
  last = next_hop;
}

}  // namespace

WireChoice choose_wire(netlink::Netlink& netlink, const config::Configuration& configuration,
                       const Underlay& underlay, const std::string& unwatched) {
  const auto raw = [](std::string reason) { return WireChoice{.next_hop = {}, .reason = std::move(reason)}; };
  if (!underlay.no_path.empty() || underlay.loops) return raw("nothing is sent without an IPv4 path");
  if (configuration.wire == config::Wire::raw) return raw("as configured");
  if (!underlay.plain) return raw("the route is not one straight out of a link");
  if (configuration.wire == config::Wire::automatic && !unwatched.empty()) return raw(unwatched);
  if (auto user = user_of_ip_layer(netlink, configuration.wire)) return raw(std::move(*user));
  try {
    const auto link = netlink.link(underlay.link_index);
    if (!link || !link->ethernet) return raw((link ? link->name : "the link") + " has no Ethernet header");
    const wire::Ipv4Address next = underlay.gateway.value_or(underlay.ends.remote);
    const auto neighbour = netlink.neighbour(underlay.link_index, next);
    if (!neighbour) {
      return raw("the link-layer address of " + to_string(next) + " on " + link->name + " is not known");
    }
    const io::NextHop next_hop{.link_index = link->index,
                               .source = {*link->ethernet},
                               .destination = {*neighbour},
                               .finishes_checksums = configuration.checksum_offload};
    try_packet_socket(next_hop);
    return {.next_hop = next_hop,
            .reason = configuration.wire == config::Wire::packet
                          ? "as configured"
                          : "nothing on this host filters or tracks IPv4 packets"};
  } catch (const std::system_error& error) {
    return raw(error.what());
  }
}

}  // namespace sixin4::tunnel
