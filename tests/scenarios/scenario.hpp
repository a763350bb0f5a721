// A scenario as its folder tells it: what tun and the wire hand over, in order, and what is to come of it.
//
// The file `packets` holds one statement a line; an indented line goes on with the statement above it, and
// `#` starts a comment:
//
//   link-mtu BYTES                 the IPv4 link's MTU where it is not 1500; stands before all packets
//   tun [OFFLOAD]... HEX           the tun device hands this over
//   wire HEX                       this arrives on the IPv4 side
//   icmp TYPE CODE [mtu=BYTES] HEX an ICMP error arrives on the IPv4 side that quotes this, from its IPv4
//                                  header on; a path MTU that it tells of holds for the steps behind it
//   > wire HEX                     this must leave on the IPv4 side
//   > tun [OFFLOAD]... HEX         this must be written to the tun device
//   wait 9min 59s 250ms            time passes
//
// OFFLOAD is what the virtio-net header says: `csum=START+OFFSET` (the checksum field there is unfinished;
// `:finished` behind it: the place is named, but nothing is to be done),
// `gso=KIND:SIZE[:ecn]` with KIND one of tcp4, tcp6, udp and udp-fragments, `headers=LENGTH`. `times=COUNT`
// stands for as many equal packets, and `packet-socket=SIZE` for one that came over the packet socket and was
// joined of datagrams with that payload (0: not joined). In HEX spaces do not count, `{00*1200}` is a
// repetition, and `-` alone is a packet without bytes. Packets of one side that stand together are handed
// over in one go.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sixin4/engine/packet.hpp"
#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::scenario {

struct Packet {
  std::string place;  ///< FILE:LINE where it is written
  wire::VnetHeader offload;
  engine::ReceiveOffload received;
  std::vector<std::uint8_t> bytes;
  engine::WireError error{};  ///< where it came as an ICMP error, which quotes `bytes`
};

/// Who hands something over; ICMP errors come from the wire too, but on their own.
enum class Side : std::uint8_t { tun, wire, icmp };

/// One batch from one side, and all that is to come of it.
struct Step {
  std::chrono::milliseconds before{};  ///< time that passes first
  Side side = Side::tun;
  std::vector<Packet> given;
  std::vector<Packet> to_wire;
  std::vector<Packet> to_tun;
};

struct Scenario {
  std::uint16_t link_mtu = 1500;
  std::vector<Step> steps;
};

/// Reads a `packets` file. Throws std::runtime_error, which names file and line.
[[nodiscard]] Scenario read_scenario(const std::filesystem::path& file);

}  // namespace sixin4::scenario
