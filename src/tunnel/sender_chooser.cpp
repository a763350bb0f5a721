#include "sender_chooser.hpp"

#include <system_error>
#include <utility>

#include "sixin4/io/packet_sender.hpp"
#include "sixin4/netlink/firewall_probe.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::tunnel {

namespace {

SenderChoice raw_socket(std::string reason) {
  return {.next_hop = {}, .reason = std::move(reason)};
}

}  // namespace

SenderChoice SenderChooser::choose(const config::Configuration& configuration, const Underlay& underlay) {
  if (!underlay.no_path.empty() || underlay.loops) {
    return raw_socket("nothing is sent without an IPv4 path");
  }
  if (configuration.wire == config::Wire::raw) return raw_socket("as configured");
  if (!underlay.plain) return raw_socket("the route encapsulates packets or has an IPv6 gateway");
  if (configuration.wire == config::Wire::automatic && !unwatched_.empty()) return raw_socket(unwatched_);
  if (auto need = need_of_ip_layer(configuration.wire)) return raw_socket(std::move(*need));
  try {
    const auto link = netlink_.link(underlay.link_index);
    if (!link || !link->ethernet) {
      return raw_socket((link ? link->name : "the link") + " has no Ethernet header");
    }
    const wire::Ipv4Address next = underlay.gateway.value_or(underlay.ends.remote);
    const auto neighbour = netlink_.neighbour(underlay.link_index, next);
    if (!neighbour) {
      return raw_socket("the link-layer address of " + to_string(next) + " on " + link->name +
                        " is not known");
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
    return raw_socket(error.what());
  }
}

/// The reason why packets need the host's IP layer; nullopt: they do not.
std::optional<std::string> SenderChooser::need_of_ip_layer(config::Wire wanted) {
  try {
    if (netlink::has_ipsec_policy()) return "this host has IPsec policies";
    if (netlink_.has_rules_beyond_path_query()) return "this host routes IPv4 by protocol, port or TOS";
    if (wanted == config::Wire::packet) return std::nullopt;
    if (const auto filter = netlink::packet_filter()) return "this host has " + *filter;
    return std::nullopt;
  } catch (const std::system_error& error) {
    return error.what();
  }
}

/// Throws std::system_error if a packet socket cannot be opened, for example because a seccomp profile
/// forbids AF_PACKET. Does nothing after a success with the same next hop, because the choice is made every
/// second and closing a packet socket takes the kernel a while.
void SenderChooser::try_packet_socket(const io::NextHop& next_hop) {
  if (last_success_ == next_hop) return;
  const io::PacketSender trial{next_hop};
  last_success_ = next_hop;
}

}  // namespace sixin4::tunnel
