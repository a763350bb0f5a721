// Fuzzes the inbound direction: the inner packet lies within the datagram, and coalescing keeps packets and
// order.
//
// Input: mtu (2 bytes), link MTU (2), flags (1), datagram. With `flag_batch` several datagrams follow up to
// the end of the input, each after a recipe (1) and its length (2).
#include "sixin4/engine/inbound.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sixin4/engine/coalesce.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/transport.hpp"

#include "../engine/coalesced_batch.hpp"

namespace {

using namespace sixin4;

constexpr std::size_t parameter_bytes = 5;
constexpr std::uint8_t flag_ingress_filter = 0x01;
constexpr std::uint8_t flag_packet_socket = 0x02;
constexpr std::uint8_t flag_mss_clamp = 0x04;
constexpr std::uint8_t flag_batch = 0x08;
constexpr std::uint8_t flag_no_udp_super_packets = 0x10;

constexpr std::size_t recipe_bytes = 3;
constexpr std::uint8_t recipe_finish = 0x01;    ///< writes a right checksum of TCP or UDP
constexpr std::uint8_t recipe_continue = 0x02;  ///< writes the next sequence number of TCP first

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "violated: " << what << std::endl;
  std::abort();
}

engine::TunnelParameters parameters_of(wire::Bytes input) {
  const auto fields = *wire::fixed<parameter_bytes>(input);
  const wire::Ipv6Address ours{{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
  return {
      .local = {{192, 0, 2, 1}},
      .remote = {{198, 51, 100, 1}},
      .mtu = static_cast<std::uint16_t>(1280 + wire::load16<0>(fields) % (65515 - 1280 + 1)),
      .link_mtu = static_cast<std::uint16_t>(68 + wire::load16<2>(fields) % (65535 - 68 + 1)),
      .error_source = ours,
      .ours = {{.address = ours, .length = 128}},
      .ingress_filter = (wire::load8<4>(fields) & flag_ingress_filter) != 0,
      .mss_clamp = (wire::load8<4>(fields) & flag_mss_clamp) != 0,
  };
}

engine::ReceiveOffload offload_of(wire::Bytes input) {
  const auto fields = *wire::fixed<parameter_bytes>(input);
  const bool known = (wire::load8<4>(fields) & flag_packet_socket) != 0;
  return {.from_packet_socket = known, .gso_size = known ? wire::load16<2>(fields) : std::uint16_t{0}};
}

void check_offload(const engine::ReceiveOffload& received, const engine::Decapsulated& result) {
  const wire::VnetHeader& offload = result.packet.offload;
  const wire::Bytes packet = result.packet.bytes;
  if (offload == wire::VnetHeader{}) {
    check(result.packets == 1 && result.wire_bytes == packet.size(), "a packet counts as what it is");
    return;
  }
  check(offload.needs_checksum, "offload data asks for a checksum");
  check(offload.checksum_start >= wire::ipv6_header_size, "the transport header is behind the IPv6 header");
  const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
  check(field + 2 <= offload.header_length, "the checksum field lies within the headers");
  check(offload.header_length <= packet.size(), "the headers lie within the packet");

  const auto header = wire::Ipv6Header::at(packet);
  const auto upper = wire::upper_layer_of(packet);
  check(upper && upper->offset == offload.checksum_start, "the checksum is that of the upper layer");
  const std::uint16_t unfinished = static_cast<std::uint16_t>(packet[field] << 8U | packet[field + 1]);
  check(unfinished == wire::pseudo_header_sum(header->source(), header->destination(),
                                              static_cast<std::uint32_t>(packet.size() - upper->offset),
                                              upper->protocol)
                          .folded(),
        "the checksum field holds the pseudo-header sum");

  if (offload.gso == wire::Gso::none) {
    check(offload.gso_size == 0 && !offload.gso_ecn, "no size where nothing is to be cut");
    check(result.packets == 1 && result.wire_bytes == packet.size(), "a packet counts as what it is");
    return;
  }
  const std::size_t payload = packet.size() - offload.header_length;
  if (offload.gso == wire::Gso::udp) {
    check(upper->protocol == wire::next_header::udp && received.from_packet_socket,
          "datagrams come over the packet socket");
    check(offload.gso_size == received.gso_size, "they are cut where they were joined");
  } else {
    check(offload.gso == wire::Gso::tcp6 && upper->protocol == wire::next_header::tcp,
          "nothing else but TCP is cut");
    check(offload.gso_size != 0 && offload.gso_size < payload, "there is something to cut");
    check(std::size_t{offload.header_length} + offload.gso_size <= wire::ipv6_min_mtu,
          "segments fit every link");
  }
  check(result.packets <= payload, "segments are counted");
  check(result.wire_bytes == payload + std::size_t{result.packets} * offload.header_length,
        "their bytes are counted");
}

void check_passed(const engine::TunnelParameters& parameters, const engine::Decapsulated& result,
                  wire::Bytes datagram, wire::Bytes original) {
  const auto outer = wire::Ipv4Header::at(original);
  check(outer && outer->protocol() == wire::protocol_ipv6 && !outer->is_fragment(), "a protocol 41 packet");
  check(outer->source().address == parameters.remote, "from the far end");
  check(outer->destination().address == parameters.local, "to us");
  check(outer->total_length() <= original.size(), "all of it is there");

  const wire::Bytes packet = result.packet.bytes;
  check(packet.data() == datagram.data() + outer->header_length(), "the packet is behind the outer header");
  check(outer->header_length() + packet.size() <= outer->total_length(),
        "the packet lies within the outer one");
  const auto header = wire::Ipv6Header::at(packet);
  check(header && header->packet_length() == packet.size(), "an IPv6 packet and not one byte more");
  check(!header->source().address.is_multicast(), "a source is not a group");
  if (parameters.ingress_filter) {
    check(!parameters.ours.front().contains(header->source().address), "a source is not ours");
  }

  // Only the ECN field may change; with the clamp also an MSS and the checksum.
  const wire::Bytes before = original.subspan(outer->header_length(), packet.size());
  check(packet[0] == before[0] && ((packet[1] ^ before[1]) & 0xcfU) == 0, "the first bytes stay but for ECN");
  std::size_t differences = 0;
  for (std::size_t at = 2; at < packet.size(); ++at) differences += packet[at] != before[at] ? 1 : 0;
  check(differences <= (parameters.mss_clamp ? 4U : 0U), "everything else stays");
  if ((outer->tos() & 3U) == 3) check((header->traffic_class() & 3U) == 3, "congestion is not forgotten");
}

void set_word(wire::MutableBytes packet, std::size_t at, std::uint16_t value) {
  wire::store16<0>(packet.subspan(at).first<2>(), value);
}

/// Changes a datagram as its recipe says. Without recipes almost no mutated datagram would be joined.
void follow_recipe(std::uint8_t recipe, wire::MutableBytes datagram, std::uint32_t& sequence) {
  if (datagram.size() < wire::ipv4_header_size) return;
  const wire::MutableBytes inner = datagram.subspan(wire::ipv4_header_size);
  const auto header = wire::Ipv6Header::at(inner);
  const auto upper = wire::upper_layer_of(inner);
  if (!header || !upper || header->packet_length() != inner.size()) return;
  const std::size_t length = wire::transport_header_length(inner, upper->protocol, upper->offset);
  if (length == 0 || (recipe & recipe_finish) == 0) return;
  const wire::MutableBytes transport = inner.subspan(upper->offset);
  if (upper->protocol == wire::next_header::tcp) {
    const auto tcp = transport.first<wire::tcp::min_header_size>();
    if ((recipe & recipe_continue) != 0) wire::tcp::set_sequence_number(tcp, sequence);
    sequence = wire::tcp::sequence_number(tcp) + static_cast<std::uint32_t>(transport.size() - length);
  }
  const std::size_t field = *wire::transport_checksum_offset(upper->protocol);
  set_word(transport, field, 0);
  const auto sum = wire::pseudo_header_sum(header->source(), header->destination(),
                                           static_cast<std::uint32_t>(transport.size()), upper->protocol) +
                   wire::sum_of(transport);
  set_word(transport, field, sum.transport_checksum());
}

/// Checks that the writes of a batch to tun contain its packets in order.
void check_batch(const engine::TunnelParameters& parameters, wire::Bytes input, bool joins_udp) {
  std::vector<std::unique_ptr<std::uint8_t[]>> datagrams;
  std::vector<test::Piece> received;
  test::Writes writes;
  const auto write = [&](const engine::Coalesced& packet) noexcept { writes.add(packet); };
  const auto coalescer = std::make_unique<engine::Coalescer>(joins_udp);
  std::uint32_t sequence = 0;
  std::uint64_t packets = 0;
  std::uint64_t wire_bytes = 0;
  while (const auto recipe = wire::fixed<recipe_bytes>(input)) {
    const wire::Bytes rest = input.subspan(recipe_bytes);
    const wire::Bytes original = rest.first(std::min<std::size_t>(rest.size(), wire::load16<1>(*recipe)));
    input = rest.subspan(original.size());
    datagrams.push_back(std::make_unique<std::uint8_t[]>(original.size()));
    const wire::MutableBytes datagram{datagrams.back().get(), original.size()};
    std::ranges::copy(original, datagram.begin());
    follow_recipe(wire::load8<0>(*recipe), datagram, sequence);
    const engine::Decapsulated inner = engine::decapsulate(parameters, datagram);
    if (inner.taken_elsewhere || inner.verdict != engine::Verdict::pass) continue;
    packets += inner.packets;
    wire_bytes += inner.wire_bytes;
    received.push_back(
        {.offload = inner.packet.offload, .bytes = {inner.packet.bytes.begin(), inner.packet.bytes.end()}});
    coalescer->add(inner, write);
  }
  coalescer->close_all(write);
  check(writes.packets == packets && writes.wire_bytes == wire_bytes, "every packet of a batch is counted");
  check(writes.most_parts <= engine::max_tun_parts, "a write has a bounded number of parts");
  const std::string fault = test::fault_of(std::move(received), writes.pieces);
  check(fault.empty(), fault.c_str());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::Bytes input{data, size};
  if (size < parameter_bytes || size - parameter_bytes > wire::ipv4_max_packet) return -1;
  const engine::TunnelParameters parameters = parameters_of(input);
  const wire::Bytes original = input.subspan(parameter_bytes);
  const std::uint8_t flags = input[parameter_bytes - 1];
  if ((flags & flag_batch) != 0) {
    check_batch(parameters, original, (flags & flag_no_udp_super_packets) == 0);
    return 0;
  }

  // A copy of exactly its size, so that AddressSanitizer finds reads beyond it.
  const auto copy = std::make_unique<std::uint8_t[]>(original.size());
  std::ranges::copy(original, copy.get());
  const wire::MutableBytes datagram{copy.get(), original.size()};
  const engine::Decapsulated result = engine::decapsulate(parameters, datagram, offload_of(input));
  if (result.taken_elsewhere) return 0;

  switch (result.verdict) {
    case engine::Verdict::pass:
      check_passed(parameters, result, datagram, original);
      check_offload(offload_of(input), result);
      break;
    case engine::Verdict::outer_malformed:
    case engine::Verdict::outer_source_mismatch:
    case engine::Verdict::outer_destination_mismatch:
    case engine::Verdict::inner_malformed:
    case engine::Verdict::inner_source_invalid:
    case engine::Verdict::inner_source_ours:
    case engine::Verdict::ecn_invalid:
      break;
    default:
      check(false, "a verdict of this direction");
  }
  return 0;
}
