// How a tunnel follows changes of the host's network: its link, the IPv4 path, the sender, the neighbour.
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
  // Each step handles its own failure, so that the others still run.
  follow_link();
  follow_path();
  keep_host_state();
}

/// Handles a move of the interface to another network namespace, and back, perhaps with another index.
void Tunnel::follow_link() {
  try {
    const auto link = own_link();
    if (!link && link_index_ != 0) {
      link_index_ = 0;
      host_.leave_link();
      log_.write(LogLevel::warn, "link", moved_text());
    }
    if (!link || link->index == link_index_) return;
    configure_link(link->index);
    link_index_ = link->index;
    host_.use_link(link_index_);
    keepalive_ = keepalive_for(configuration(), in_force_.remote);
    log_.write(LogLevel::info, "link", "interface " + link->name + " is back in this network namespace");
  } catch (const std::system_error& error) {
    log_.write(LogLevel::warn, "link", error.what());
  }
}

/// The tunnel's link; nullopt while it is in another network namespace.
std::optional<netlink::Link> Tunnel::own_link() {
  const io::TunDevice& device = queues_.front();
  const auto is_here = device.is_in_this_namespace();
  if (is_here && !*is_here) return std::nullopt;
  auto link = netlink_.link(device.name());
  // If the kernel does not support the query, a link with this name and another index may not be the
  // tunnel's.
  if (link && !is_here && link->index != link_index_) return std::nullopt;
  return link;
}

std::string Tunnel::moved_text() const {
  return "interface " + configuration().interface +
         " was moved to another network namespace: move it back, or stop and start the endpoint";
}

void Tunnel::follow_path() {
  try {
    const std::uint32_t link_mtu_now = link_mtu();
    Settings next = settings_with_link_mtu(link_mtu_now);
    next.underlay = current_underlay(next.configuration, next.remote);
    next.path = path_mtu_over(next.configuration, next.underlay);
    next.sender = sender_chooser_.choose(next.configuration, next.underlay);
    const bool same_path =
        next.underlay == in_force_.underlay && parameters_of(next).mtu == mtu_ && link_mtu_now == mtu_;
    const bool same_reason = next.underlay.no_path == in_force_.underlay.no_path;
    if (same_path) {
      switch_sender(next.sender);
    } else {
      put_in_force(next);
    }
    failure_.clear();
    if (!has_path() && !same_reason) {
      log_.write(LogLevel::warn, "no-path",
                 in_force_.underlay.no_path + "; every packet is dropped as wire-error");
    }
    if (!has_path() || same_path) return;
    log_.write(LogLevel::info, "follow",
               "now " + to_string(ends().local) + " > " + to_string(ends().remote) + " mtu " +
                   std::to_string(mtu_) + ", path mtu " + std::to_string(in_force_.path.value()));
  } catch (const std::exception& error) {
    fail_closed(error.what());
  }
}

/// Called if a look-up of the path or of a condition of the packet socket fails, or if a change cannot be put
/// in force. Switches to a raw socket, because the host's IP layer then decides about each packet.
/// `check_path` tries again.
void Tunnel::fail_closed(const std::string& why) noexcept {
  if (why != failure_) log_.write(LogLevel::warn, "follow", why);
  failure_ = why;
  if (!has_path() || !in_force_.sender.next_hop) return;
  Settings next = in_force_;
  engine::TunnelParameters parameters = parameters_of(in_force_);
  parameters.mtu = mtu_;
  next.sender = {.next_hop = {}, .reason = why};
  try {
    workers_.reconfigure(parameters, next.underlay.ends, {});
  } catch (const std::exception& error) {
    next.underlay.no_path =
        "cannot open a raw socket in place of the packet socket: " + std::string{error.what()};
    parameters.no_path = true;
    workers_.reconfigure(parameters);
    log_.write(LogLevel::warn, "no-path", next.underlay.no_path + "; every packet is dropped as wire-error");
  }
  in_force_ = next;
}

/// Restores removed objects. After a change of the local IPv4 address it also changes the link-local address.
void Tunnel::keep_host_state() {
  try {
    const std::size_t count = host_.apply(host_state_of(configuration(), ends().local));
    if (count != 0) {
      log_.write(LogLevel::info, "restore",
                 "restored " + std::to_string(count) + " missing addresses, routes or rules");
    }
  } catch (const std::system_error& error) {
    log_.write(LogLevel::warn, "restore", error.what());
  }
}

/// Looks up the underlay. If there is no path, or the path leads into the tunnel, it returns the last
/// underlay with `no_path` or `loops` set. If `configuration` has other ends than the configuration in force,
/// it throws netlink::NoIpv4Path or std::system_error in these cases.
Underlay Tunnel::current_underlay(const config::Configuration& configuration,
                                  const wire::Ipv4Address& remote) {
  const bool same_ends = remote == in_force_.remote && configuration.local == in_force_.configuration.local &&
                         configuration.dev == in_force_.configuration.dev;
  Underlay last = in_force_.underlay;
  last.loops = false;
  last.no_path.clear();
  try {
    Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
    if (!underlay.loops) return underlay;
    last.loops = true;
  } catch (const netlink::NoIpv4Path& reason) {
    if (!same_ends) throw;
    last.no_path = reason.what();
    return last;
  }
  const std::string loop = loop_text(configuration, remote);
  if (!same_ends) throw base::system_failure(loop, ELOOP);
  if (!in_force_.underlay.loops) {
    log_.write(LogLevel::warn, "loop",
               loop + ": every packet is dropped as loop until there is another route");
  }
  return last;
}

/// A path MTU that routers have reported is kept while the path is the same, and while there is no path.
engine::PathMtu Tunnel::path_mtu_over(const config::Configuration& configuration,
                                      const Underlay& underlay) const {
  const bool same = underlay == in_force_.underlay && configuration.discovers_path_mtu();
  return same || !underlay.no_path.empty() ? in_force_.path : engine::PathMtu{underlay.route_mtu};
}

/// The MTU of the tunnel's link. Returns the MTU in force if the link is in another network namespace, or if
/// its MTU is below 1280, which a tunnel cannot use.
std::uint32_t Tunnel::link_mtu() {
  const auto link = own_link();
  if (!link) return mtu_;
  if (link->mtu >= config::min_tunnel_mtu) return link->mtu;
  log_.write(LogLevel::warn, "mtu",
             "the MTU of " + configuration().interface + " is " + std::to_string(link->mtu) +
                 ": below 1280 the kernel disables IPv6 on the link");
  return mtu_;
}

void Tunnel::follow_sender() {
  if (!has_path()) return;
  try {
    switch_sender(sender_chooser_.choose(configuration(), in_force_.underlay));
  } catch (const std::exception& error) {
    fail_closed(error.what());
  }
}

void Tunnel::switch_sender(const SenderChoice& sender) {
  if (sender == in_force_.sender) return;
  const bool same_kind = sender.next_hop.has_value() == in_force_.sender.next_hop.has_value();
  Settings next = settings_with_link_mtu(link_mtu());  // `follow_path` may not have followed that MTU yet
  next.sender = sender;
  put_in_force(next);
  log_.write(LogLevel::debug, "wire",
             same_kind && sender.next_hop
                 ? "the next hop's link-layer address, or the link's own, has changed"
                 : "now sends by a " + sender_name() + " socket: " + sender.reason);
}

/// Makes the kernel verify a stale neighbour if packets were sent. A packet socket bypasses the neighbour
/// table, so the kernel would not do it by itself.
void Tunnel::verify_neighbour() {
  const std::uint64_t sent = workers_.out().packets;
  if (!in_force_.sender.next_hop || std::exchange(packets_at_neighbour_check_, sent) == sent) return;
  try {
    netlink_.verify_neighbour(in_force_.sender.next_hop->link_index,
                              in_force_.underlay.gateway.value_or(in_force_.underlay.ends.remote));
  } catch (const std::system_error& error) {
    log_.write(LogLevel::debug, "wire", error.what());
  }
}

/// Whether `check_path` runs every second. With `wire = raw` and a good path the kernel's announcements
/// suffice.
bool Tunnel::polls_path() const noexcept {
  return configuration().wire != config::Wire::raw || !has_path() || !failure_.empty();
}

}  // namespace sixin4::tunnel
