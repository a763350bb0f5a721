#include "warnings.hpp"

#include "sixin4/netlink/kernel_behaviour.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::tunnel {

using base::LogLevel;

void warn_of_surprises(const config::Configuration& configuration, const wire::Ipv4Address& remote,
                       base::Log& log) {
  if (const auto module = netlink::module_that_answers()) {
    log.write(
        LogLevel::warn, "kernel",
        "the kernel module " + *module +
            " answers every packet from the far end with ICMP port unreachable unless a sit device takes "
            "it (RFC 4213 forbids that, and connections fail because of it): remove the modules sit, ipip "
            "and tunnel4, or drop the answers, for example with: nft 'add table ip sixin4; add chain ip "
            "sixin4 out { type filter hook output priority 0; }; add rule ip sixin4 out ip daddr " +
            to_string(remote) + " icmp type destination-unreachable icmp code port-unreachable drop'");
  }
  if (configuration.discovers_path_mtu() && netlink::hides_path_mtu()) {
    log.write(
        LogLevel::warn, "pmtu",
        "the sysctl net.ipv4.ip_no_pmtu_disc is not 0, so the kernel does not pass on the path MTUs that "
        "routers report: set it to 0, or give a fixed 'mtu'");
  }
  if (configuration.egress_filter && configuration.addresses.empty() && configuration.prefixes.empty()) {
    log.write(
        LogLevel::warn, "egress-filter",
        "the configuration has neither 'address' nor 'prefix', so packets whose source is not link-local are "
        "refused as source-not-ours: name this end's addresses, or set 'egress-filter = no'");
  }
}

}  // namespace sixin4::tunnel
