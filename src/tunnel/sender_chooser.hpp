// Chooses between raw and packet socket for outer packets.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "sixin4/config/configuration.hpp"
#include "sixin4/io/wire_ends.hpp"
#include "sixin4/netlink/netlink.hpp"
#include "sixin4/tunnel/sender_choice.hpp"
#include "sixin4/tunnel/underlay.hpp"

namespace sixin4::tunnel {

/// For one thread. The choice depends on the host, so the tunnel calls `choose` again after each announced
/// change and every second.
class SenderChooser {
 public:
  /// `netlink` must outlive the chooser. `unwatched` is the reason why announcements of changes cannot
  /// be received; empty: they can.
  SenderChooser(netlink::Netlink& netlink, std::string unwatched)
      : netlink_(netlink), unwatched_(std::move(unwatched)) {}

  /// A packet socket if the configuration allows it, the link has Ethernet headers, the kernel has the
  /// link-layer address of the next hop, and no packet needs the host's IP layer:
  /// - A stateful firewall would drop the answers to packets that it has not seen leave.
  /// - IPsec policies would be bypassed.
  /// - Policy rules may route single packets another way.
  ///
  /// With `wire = auto` the announcements must be received, else a raw socket is chosen. `wire = packet` does
  /// not look for a firewall, because the administrator is responsible for it. Failed look-ups become the
  /// reason for a raw socket.
  [[nodiscard]] SenderChoice choose(const config::Configuration& configuration, const Underlay& underlay);

 private:
  [[nodiscard]] std::optional<std::string> need_of_ip_layer(config::Wire wanted);
  void try_packet_socket(const io::NextHop& next_hop);

  netlink::Netlink& netlink_;
  std::string unwatched_;
  std::optional<io::NextHop> last_success_;  ///< of `try_packet_socket`
};

}  // namespace sixin4::tunnel
