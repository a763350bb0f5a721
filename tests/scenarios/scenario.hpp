// The scenario of a folder: packets from tun and from the wire, in order, and the expected output.
//
// The file `packets` has one statement per line. An indented line continues the statement above it, and `#`
// starts a comment:
//
//   link-mtu BYTES                 MTU of the IPv4 link, before all packets; the default is 1500
//   tun [OFFLOAD]... HEX           a packet is read from the tun device
//   wire HEX                       a packet arrives on the IPv4 side
//   icmp TYPE CODE [mtu=BYTES] HEX an ICMP error arrives on the IPv4 side that quotes HEX, which begins with
//   the
//                                  quoted IPv4 header; its path MTU applies to the following steps
//   > wire HEX                     this packet must be sent on the IPv4 side
//   > tun [OFFLOAD]... HEX         this packet must be written to the tun device
//   wait 9min 59s 250ms            time passes
//
// OFFLOAD is the content of the virtio-net header: `csum=START+OFFSET` (that checksum field is unfinished;
// with the suffix `:finished` the field is named, but complete), `gso=KIND:SIZE[:ecn]` with KIND one of tcp4,
// tcp6, udp and udp-fragments, `headers=LENGTH`. `times=COUNT` repeats the packet. `packet-socket=SIZE` marks
// a packet from the packet socket that was joined of datagrams with this payload size (0: not joined). Spaces
// in HEX are ignored, `{00*1200}` is a repetition, and `-` alone is a packet without bytes. Consecutive
// packets of one side form one batch.
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
  std::string place;  ///< FILE:LINE of its statement
  wire::VnetHeader offload;
  engine::ReceiveOffload received;
  std::vector<std::uint8_t> bytes;
  engine::WireError error{};  ///< for Side::icmp: the error that quotes `bytes`
};

/// The source of a batch. ICMP errors also come from the wire, but in batches of their own.
enum class Side : std::uint8_t { tun, wire, icmp };

/// One batch from one side and the expected output.
struct Step {
  std::chrono::milliseconds before{};  ///< time that passes before the batch
  Side side = Side::tun;
  std::vector<Packet> batch;
  std::vector<Packet> to_wire;
  std::vector<Packet> to_tun;
};

struct Scenario {
  std::uint16_t link_mtu = 1500;
  std::vector<Step> steps;
};

/// Reads a `packets` file. Throws std::runtime_error with file and line.
[[nodiscard]] Scenario read_scenario(const std::filesystem::path& file);

}  // namespace sixin4::scenario
