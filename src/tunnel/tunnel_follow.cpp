// How a tunnel follows the host's network: its own link, the IPv4 path, the socket to send by, the neighbour.
#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/address_text.hpp"

#include "host_plan.hpp"
#include "tunnel.hpp"

namespace sixin4::tunnel {

using base::LogLevel;

void Tunnel::follow_host() {
  log_.write(LogLevel::debug, "host", "the host's network has changed");
  // Each on its own, because a failure of one is no reason to leave the others as they are.
  follow_link();
  follow_path();
  keep_host_state();
}

/// The interface may be moved to another network namespace, and back, perhaps under another number.
void Tunnel::follow_link() {
  try {
    const auto link = own_link();
    if (!link && link_index_ != 0) {
      link_index_ = 0;
      host_.leave_link();
      log_.write(LogLevel::warn, "link", moved_away());
    }
    if (!link || link->index == link_index_) return;
    configure_link(link->index);
    link_index_ = link->index;
    host_.use_link(link_index_);
    keepalive_ = keepalive_for(configuration(), now_.remote);
    log_.write(LogLevel::info, "link", "interface " + link->name + " is back in this network namespace");
  } catch (const std::system_error& error) {
    log_.write(LogLevel::warn, "link", error.what());
  }
}

/// The tunnel's link; nothing while it is in another network namespace.
std::optional<netlink::Link> Tunnel::own_link() {
  const io::TunDevice& device = queues_.front();
  const auto is_here = device.is_in_this_namespace();
  if (is_here && !*is_here) return std::nullopt;
  auto link = netlink_.link(device.name());
  // Where the kernel does not tell, a link with that name and another number may be somebody else's.
  if (link && !is_here && link->index != link_index_) return std::nullopt;
  return link;
}

std::string Tunnel::moved_away() const {
  return "interface " + configuration().interface +
         " was moved to another network namespace: move it back, or stop and start the endpoint";
}

void Tunnel::follow_path() {
  try {
    const std::uint32_t on_link = link_mtu();
    Settings next = settings_now(on_link);
    next.underlay = underlay_now(next.configuration, next.remote);
    next.path = path_over(next.configuration, next.underlay);
    next.wire = choose_wire(netlink_, next.configuration, next.underlay, unwatched_);
    const bool same_path =
        next.underlay == now_.underlay && parameters_of(next).mtu == mtu_ && on_link == mtu_;
    const bool same_reason = next.underlay.no_path == now_.underlay.no_path;
    if (same_path) {
      switch_wire(next.wire);
    } else {
      switch_to(next);
    }
    failure_.clear();
    if (!has_path() && !same_reason) {
      log_.write(LogLevel::warn, "no-path",
                 now_.underlay.no_path + "; every packet is dropped as wire-error");
    }
    if (!has_path() || same_path) return;
    log_.write(LogLevel::info, "follow",
               "now " + to_string(ends().local) + " > " + to_string(ends().remote) + " mtu " +
                   std::to_string(mtu_) + ", path mtu " + std::to_string(now_.path.value()));
  } catch (const std::exception& error) {
    fail_closed(error.what());
  }
}

/// The path, or a condition for the packet socket, cannot be looked up, or a change cannot be made. A raw
/// socket leaves the decision about each packet to the host's own IPv4. `pass_time` tries again.
void Tunnel::fail_closed(const std::string& why) noexcept {
  if (why != failure_) log_.write(LogLevel::warn, "follow", why);
  failure_ = why;
  if (!has_path() || !now_.wire.next_hop) return;
  Settings next = now_;
  engine::TunnelParameters parameters = parameters_of(now_);
  parameters.mtu = mtu_;
  next.wire = {.next_hop = {}, .reason = why};
  try {
    workers_.reconfigure(parameters, next.underlay.ends, {});
  } catch (const std::exception& error) {
    next.underlay.no_path = "no socket that may send: " + std::string{error.what()};
    parameters.no_path = true;
    workers_.reconfigure(parameters);
    log_.write(LogLevel::warn, "no-path", next.underlay.no_path + "; every packet is dropped as wire-error");
  }
  now_ = next;
}

/// Puts back what was removed; and with another IPv4 address the link-local one is another, too.
void Tunnel::keep_host_state() {
  try {
    const std::size_t count = host_.apply(host_state_of(configuration(), ends().local));
    if (count != 0) {
      log_.write(LogLevel::info, "restore",
                 "put " + std::to_string(count) + " addresses, routes or rules in place that were missing");
    }
  } catch (const std::system_error& error) {
    log_.write(LogLevel::warn, "restore", error.what());
  }
}

/// The path as the host has it now. Where it has none, or one that leads into the tunnel, the ends stay those
/// of the last path, unless the configuration asks for others.
Underlay Tunnel::underlay_now(const config::Configuration& configuration, const wire::Ipv4Address& remote) {
  const bool same_ends = remote == now_.remote && configuration.local == now_.configuration.local &&
                         configuration.dev == now_.configuration.dev;
  Underlay last = now_.underlay;
  last.loops = false;
  last.no_path.clear();
  try {
    const Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
    if (!underlay.loops) return underlay;
    last.loops = true;
  } catch (const netlink::NoIpv4Path& reason) {
    if (!same_ends) throw;
    last.no_path = reason.what();
    return last;
  }
  const std::string loop = loop_text(configuration, remote);
  if (!same_ends) throw base::system_failure(loop, ELOOP);
  if (!now_.underlay.loops) {
    log_.write(LogLevel::warn, "loop",
               loop + ": every packet is dropped as loop until there is another route");
  }
  return last;
}

/// The MTU that routers have told of holds for their path only.
engine::PathMtu Tunnel::path_over(const config::Configuration& configuration,
                                  const Underlay& underlay) const {
  const bool same = underlay == now_.underlay && configuration.discovers_path_mtu();
  return same || !underlay.no_path.empty() ? now_.path : engine::PathMtu{underlay.route_mtu};
}

/// The MTU of the tunnel's link. One that no tunnel can have is left there, and changes nothing.
std::uint32_t Tunnel::link_mtu() {
  const auto link = own_link();
  if (!link) return mtu_;
  if (link->mtu >= config::min_tunnel_mtu) return link->mtu;
  log_.write(LogLevel::warn, "mtu",
             "the MTU of " + configuration().interface + " is " + std::to_string(link->mtu) +
                 ": below 1280 the kernel takes IPv6 off the link");
  return mtu_;
}

void Tunnel::follow_wire() {
  if (!has_path()) return;
  try {
    switch_wire(choose_wire(netlink_, configuration(), now_.underlay, unwatched_));
  } catch (const std::exception& error) {
    fail_closed(error.what());
  }
}

void Tunnel::switch_wire(const WireChoice& wire) {
  if (wire == now_.wire) return;
  const bool same_socket = wire.next_hop.has_value() == now_.wire.next_hop.has_value();
  Settings next = settings_now(link_mtu());  // which may have been set, and not been followed yet
  next.wire = wire;
  switch_to(next);
  log_.write(LogLevel::debug, "wire",
             same_socket && wire.next_hop
                 ? "the next hop's link-layer address, or the link's own, has changed"
                 : "now sending by a " + wire_name() + " socket: " + wire.reason);
}

/// The packets of a packet socket do not count as a use of the neighbour, so the kernel would never verify
/// one that has become stale.
void Tunnel::verify_neighbour() {
  const std::uint64_t sent = workers_.out().packets;
  if (!now_.wire.next_hop || std::exchange(sent_before_, sent) == sent) return;
  try {
    netlink_.verify_neighbour(now_.wire.next_hop->link_index,
                              now_.underlay.gateway.value_or(now_.underlay.ends.remote));
  } catch (const std::system_error& error) {
    log_.write(LogLevel::debug, "wire", error.what());
  }
}

/// Whether the path or the socket is to be looked at every second, beside the host's announcements.
bool Tunnel::looks_again() const noexcept {
  return configuration().wire != config::Wire::raw || !has_path() || !failure_.empty();
}

}  // namespace sixin4::tunnel
