// Builds the testbed with ip(8), ethtool(8) and tc(8), and sets links and receive threads through /sys and
// /proc.
#include "bed.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

#include "sixin4/testbed/process.hpp"

namespace sixin4::testbed {

namespace {

constexpr std::chrono::seconds setup_timeout{5};

/// Link names are unique on the host: the kernel names a receive thread after its link, and /proc lists the
/// threads of all namespaces together.
std::string next_suffix() {
  static int count = 0;
  return std::to_string(::getpid()) + 'x' + std::to_string(++count);
}

void make_veth_pair(const Side& near, const Side& far) {
  const std::string far_namespace =
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(far.network.get());
  near.run({"ip", "link", "add", near.link, "address", near.ethernet, "type", "veth", "peer", "name",
            far.link, "address", far.ethernet, "netns", far_namespace});
}

/// Gives the link an IPv4 address and a permanent neighbour, but no link-local address, so that neither ARP
/// nor router solicitations add traffic to a measurement.
void configure_addresses(const Side& side, const Side& other) {
  side.run({"ip", "link", "set", side.link, "addrgenmode", "none"});
  side.run({"ip", "link", "set", "lo", "up"});
  side.run({"ip", "link", "set", side.link, "up"});
  side.run({"ip", "address", "add", side.ipv4 + "/24", "dev", side.link});
  side.run(
      {"ip", "neighbour", "add", other.ipv4, "lladdr", other.ethernet, "dev", side.link, "nud", "permanent"});
}

/// A mask of one processor in the format of rps_cpus in /sys: words of 32 bits, the highest word first.
std::string mask_of(int processor) {
  constexpr int word = 32;
  std::ostringstream mask;
  mask << std::hex << (1U << static_cast<unsigned>(processor % word));
  for (int words = processor / word; words > 0; --words) mask << ",00000000";
  return mask.str();
}

void configure_like_network_card(const Side& side, bool receive_offload) {
  side.run({"ethtool", "-K", side.link, "tso", "off", "gso", "off", "tx-ipxip4-segmentation", "off",
            "tx-udp-segmentation", "off", "gro", receive_offload ? "on" : "off"});
  side.run({"tc", "qdisc", "replace", "dev", side.link, "root", "pfifo", "limit", "2000"});
  Job<bool> settings{"the " + side.name + " side", [&](const auto&) {
                       side.enter();
                       write_value("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
                       write_value("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0");
                       const std::string link = "/sys/class/net/" + side.link;
                       write_value(link + "/gro_flush_timeout", "20000");
                       write_value(link + "/napi_defer_hard_irqs", "2");
                       if (receive_offload) {
                         write_value(link + "/threaded", "1");
                       } else {
                         // Without receive offload veth has no NAPI thread (drivers/net/veth.c), so the
                         // sender's processor would also receive. RPS moves that work to the receiver's
                         // processor.
                         write_value(link + "/queues/rx-0/rps_cpus", mask_of(side.processor));
                       }
                       return true;
                     }};
  (void)settings.finish(Clock::now() + setup_timeout);
}

void pin_receive_thread(const Side& side) {
  const std::string prefix = "napi/" + side.link + '-';
  int pinned = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const std::string id = entry.path().filename();
    std::string name;
    if (id.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!std::getline(std::ifstream{entry.path() / "comm"}, name) || !name.starts_with(prefix)) continue;
    pin(std::stoi(id), side.processor);
    ++pinned;
  }
  if (pinned == 0) {
    throw std::runtime_error("cannot find the receive thread " + prefix +
                             "N in /proc; needs Linux 5.12, and to run outside of any PID namespace");
  }
}

}  // namespace

Bed::Bed(bool receive_offload) {
  const std::vector<int> processors = two_processors();
  const std::string suffix = next_suffix();
  near =
      Side{"near", 'n' + suffix, "02:00:00:00:00:01", "192.0.2.1", "2001:db8:41::2", processors[0], {}, {}};
  far = Side{"far", 'f' + suffix, "02:00:00:00:00:02", "192.0.2.2", "2001:db8:41::1", processors[1], {}, {}};
  near.make_namespaces();
  far.make_namespaces();
  make_veth_pair(near, far);
  configure_addresses(near, far);
  configure_addresses(far, near);
  configure_like_network_card(near, receive_offload);
  configure_like_network_card(far, receive_offload);
  if (receive_offload) {
    pin_receive_thread(near);
    pin_receive_thread(far);
  }
}

}  // namespace sixin4::testbed
