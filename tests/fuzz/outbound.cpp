// Fuzzes the outbound direction: packets that are sent are valid for any input from the tun device.
//
// Input: mtu (2 bytes), link MTU (2), ttl (1), tos (1), flags (1), virtio-net header (10), packet.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "sixin4/engine/outbound_pump.hpp"
#include "sixin4/wire/transport.hpp"

namespace {

using namespace sixin4;

constexpr std::size_t parameter_bytes = 7;
constexpr std::uint8_t flag_ecn = 0x01;
constexpr std::uint8_t flag_inherit_tos = 0x02;
constexpr std::uint8_t flag_twice = 0x04;  // the batch has the packet twice
constexpr std::uint8_t flag_dont_fragment = 0x08;
constexpr std::uint8_t flag_egress_filter = 0x10;
constexpr std::uint8_t flag_mss_clamp = 0x20;

constexpr wire::Ipv6Address our_address{{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
constexpr wire::Ipv6Prefix our_prefix{{{0x20, 0x01, 0x0d, 0xb8, 1}}, 48};

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "violated: " << what << std::endl;
  std::abort();
}

engine::TunnelParameters parameters_of(wire::Bytes input) {
  const auto fields = *wire::fixed<parameter_bytes>(input);
  const std::uint8_t flags = wire::load8<6>(fields);
  engine::TunnelParameters parameters{
      .local = {{192, 0, 2, 1}},
      .remote = {{198, 51, 100, 1}},
      .ttl = wire::load8<4>(fields),
      .tos = wire::load8<5>(fields),
      .ecn = (flags & flag_ecn) != 0,
      .mtu = static_cast<std::uint16_t>(1280 + wire::load16<0>(fields) % (65515 - 1280 + 1)),
      .link_mtu = static_cast<std::uint16_t>(68 + wire::load16<2>(fields) % (65535 - 68 + 1)),
      .dont_fragment = (flags & flag_dont_fragment) != 0,
      .error_source = our_address,
      .ours = {{.address = our_address, .length = 128}, our_prefix},
      .egress_filter = (flags & flag_egress_filter) != 0,
      .mss_clamp = (flags & flag_mss_clamp) != 0,
  };
  // With DF the tunnel MTU is at most the link MTU less 20.
  if (parameters.dont_fragment) {
    const auto needed = static_cast<std::uint16_t>(parameters.mtu + wire::ipv4_header_size);
    parameters.pmtudisc = true;
    parameters.link_mtu = std::max(parameters.link_mtu, needed);
  }
  if (parameters.ttl == 0) parameters.ttl.reset();
  if ((flags & flag_inherit_tos) != 0) parameters.tos.reset();
  return parameters;
}

/// The folded sum of RFC 1071, byte by byte: 0xffff over data with a right checksum. It shares no code with
/// the engine, which is under test.
std::uint32_t plain_sum(wire::Bytes bytes, std::uint32_t sum = 0) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    sum += at % 2 == 0 ? std::uint32_t{bytes[at]} << 8U : bytes[at];
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  return sum;
}

/// Whether the checksum of the upper-layer packet at offset `start` of an IPv6 packet is right.
bool transport_sums_up(wire::Bytes packet, std::size_t start, std::uint8_t protocol) {
  const wire::Bytes transport = packet.subspan(start);
  const auto length = static_cast<std::uint32_t>(transport.size());
  return plain_sum(transport, plain_sum(packet.subspan(8, 32), length + protocol)) == 0xffff;
}

/// Whether the egress filter must let the packet pass, read from the bytes of its source.
bool is_our_source(wire::Bytes packet) {
  const wire::Bytes source = packet.subspan(8, 16);
  const bool link_local = source[0] == 0xfe && source[1] >> 6U == 2;
  const bool unspecified = std::ranges::all_of(source, [](std::uint8_t octet) { return octet == 0; });
  const bool has_ports = packet[6] == wire::next_header::tcp || packet[6] == wire::next_header::udp;
  return link_local || (unspecified && !has_ports) || std::ranges::equal(source, our_address.octets) ||
         std::ranges::equal(source.first(6), wire::Bytes{our_prefix.address.octets}.first(6));
}

/// The MSS in the first option of a SYN directly after the IPv6 header.
std::optional<unsigned> announced_mss(wire::Bytes packet) {
  constexpr std::size_t options = 60;
  if (packet.size() < options + 4 || packet[6] != wire::next_header::tcp) return std::nullopt;
  const bool syn = (packet[53] & wire::tcp::flag_syn) != 0;
  const std::size_t header = std::size_t{4} * (packet[52] >> 4U);
  if (!syn || header < 24 || packet.size() < 40 + header) return std::nullopt;
  if (packet[options] != 2 || packet[options + 1] != 4) return std::nullopt;
  return packet[options + 2] * 256U + packet[options + 3];
}

/// A tun device. The packet is in memory of exactly its size, so that AddressSanitizer finds reads beyond it;
/// a real device reads into the buffer of the pump, which makes no difference to the pump.
class Tun {
 public:
  Tun(const engine::TunnelParameters& parameters, wire::VnetHeader offload, wire::Bytes packet, int times)
      : parameters_(parameters), offload_(offload) {
    for (int i = 0; i < times; ++i) {
      copies_.push_back(std::make_unique<std::uint8_t[]>(packet.size()));
      std::ranges::copy(packet, copies_.back().get());
    }
    size_ = packet.size();
  }

  engine::ReadResult read(wire::MutableBytes buffer) noexcept {
    check(buffer.size() >= engine::tun_read_size, "room to read a packet");
    if (next_ == copies_.size()) return {.status = engine::IoStatus::empty};
    return {.status = engine::IoStatus::ok,
            .packet = {.offload = offload_, .bytes = {copies_[next_++].get(), size_}}};
  }

  /// Checks an ICMPv6 error.
  [[nodiscard]] static bool takes(engine::Offload /*offload*/) noexcept { return true; }
  engine::IoStatus write(const wire::VnetHeader& offload, std::span<const wire::Bytes> parts) noexcept {
    check(parts.size() == 1, "an error has one part");
    const wire::Bytes packet = parts.front();
    check(offload == wire::VnetHeader{}, "an error has nothing unfinished");
    check(packet.size() <= wire::ipv6_min_mtu, "an error has at most 1280 bytes");
    const auto header = wire::Ipv6Header::at(packet);
    check(header && header->packet_length() == packet.size(), "an error is an IPv6 packet");
    check(header->source().address == parameters_.error_source, "an error comes from us");
    check(!header->destination().address.is_multicast(), "an error goes to one host");
    check(transport_sums_up(packet, wire::ipv6_header_size, wire::next_header::icmpv6),
          "an error has a right checksum");
    ++errors;
    return engine::IoStatus::ok;
  }

  std::uint64_t errors = 0;

 private:
  const engine::TunnelParameters& parameters_;
  wire::VnetHeader offload_;
  std::vector<std::unique_ptr<std::uint8_t[]>> copies_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
};

/// An IPv4 side that reassembles fragments and checks the packets.
class Wire {
 public:
  /// `packet` with `offload` is the input. `finishing`: the link finishes checksums.
  Wire(const engine::TunnelParameters& parameters, wire::VnetHeader offload, wire::Bytes packet,
       bool finishing)
      : parameters_(parameters), offload_(offload), packet_(packet), finishing_(finishing) {}

  [[nodiscard]] bool finishes_checksums() const noexcept { return finishing_; }
  engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept {
    check(!batch.empty() && batch.size() <= engine::WireBatch::max_packets, "a batch is not empty");
    for (const engine::OuterPacket& packet : batch) take(packet);
    return {.sent = batch.size(), .status = engine::IoStatus::ok};
  }

  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

 private:
  void take(const engine::OuterPacket& outer) {
    std::vector<std::uint8_t> packet(outer.head.begin(), outer.head.end());
    packet.insert(packet.end(), outer.body.begin(), outer.body.end());
    if (outer.checksum_start != 0) finish(outer, packet);
    const auto header = wire::Ipv4Header::at(packet);
    check(header && header->header_length() == wire::ipv4_header_size, "an IPv4 header without options");
    check(header->total_length() == packet.size(), "the total length is right");
    check(packet.size() <= parameters_.link_mtu, "at most the link MTU");
    check(plain_sum(wire::Bytes{packet}.first(wire::ipv4_header_size)) == 0xffff,
          "the header checksum is right");
    check(header->protocol() == wire::protocol_ipv6, "protocol 41");
    check(header->source().address == parameters_.local, "it comes from us");
    check(header->destination().address == parameters_.remote, "it goes to the far end");
    check(header->dont_fragment() == parameters_.dont_fragment, "DF is set if the parameters ask for it");
    if (parameters_.dont_fragment) {
      check(!header->is_fragment(), "nothing with DF set is a fragment");
      check(header->identification() == 0, "nothing with DF set needs an identification");
    } else {
      check(header->identification() != 0, "0 would make the kernel choose one");
    }
    check(header->ttl() != 0 || !parameters_.ttl, "the TTL is not 0 unless inherited");
    if (!parameters_.ecn) check((header->tos() & 3U) == 0, "compatibility mode is Not-ECT");

    if (!inner_.empty()) {
      check(identification_ == header->identification(), "fragments share their identification");
    } else if (!parameters_.dont_fragment) {
      check(identification_ != header->identification(),
            "consecutive packets have different identifications");
    }
    identification_ = header->identification();
    check(header->fragment_offset() == inner_.size(), "fragments come in order, without gaps");
    inner_.insert(inner_.end(), packet.begin() + wire::ipv4_header_size, packet.end());
    if (header->more_fragments()) {
      check(outer.inner_length == 0, "a fragment ends no inner packet");
      return;
    }
    check(outer.inner_length == inner_.size(), "the inner length is right");
    take_inner();
    inner_.clear();
  }

  /// Finishes the checksum as the link does.
  void finish(const engine::OuterPacket& outer, std::vector<std::uint8_t>& packet) const {
    const std::size_t start = outer.checksum_start;
    const std::size_t field = start + outer.checksum_offset;
    check(finishing_, "only with a link that finishes checksums");
    check(start >= wire::ipv4_header_size + wire::ipv6_header_size, "a checksum after the IPv6 header");
    check(field + 2 <= packet.size(), "a checksum within the packet");
    check(!wire::Ipv4Header{wire::Bytes{packet}.first<wire::ipv4_header_size>()}.is_fragment(),
          "no link finishes a fragment");
    const std::uint32_t sum = 0xffffU ^ plain_sum(wire::Bytes{packet}.subspan(start));
    wire::store16<0>(std::span{packet}.subspan(field).first<2>(),
                     static_cast<std::uint16_t>(sum == 0 ? 0xffffU : sum));
  }

  void take_inner() {
    const wire::Bytes inner{inner_};
    const auto header = wire::Ipv6Header::at(inner);
    check(header && header->packet_length() == inner.size(), "an IPv6 packet without trailing bytes");
    check(inner.size() <= parameters_.mtu, "the inner packet is at most as large as the tunnel MTU");
    if (parameters_.egress_filter) check(is_our_source(inner), "the source is ours");
    // With another checksum offset, finishing the checksum may have overwritten the MSS.
    const bool usual_checksum =
        !offload_.needs_checksum || offload_.checksum_start + offload_.checksum_offset == 56;
    if (parameters_.mss_clamp && usual_checksum) {
      check(announced_mss(inner).value_or(0) <= parameters_.mtu - 60U, "the MSS fits the tunnel MTU");
    }
    if (offload_.gso == wire::Gso::none) check_untouched(inner);
    if (offload_.gso != wire::Gso::none) {
      const std::uint8_t protocol =
          offload_.gso == wire::Gso::tcp6 ? wire::next_header::tcp : wire::next_header::udp;
      check(transport_sums_up(inner, offload_.checksum_start, protocol), "a segment has a right checksum");
    }
    ++packets;
    bytes += inner.size();
  }

  /// Only a checksum and an MSS, which may span two words, may differ, and only if the parameters ask for it.
  void check_untouched(wire::Bytes inner) const {
    check(inner.size() <= packet_.size(), "nothing was added");
    std::size_t differences = 0;
    for (std::size_t at = 0; at < inner.size(); ++at) differences += inner[at] != packet_[at] ? 1 : 0;
    const std::size_t allowed =
        (offload_.needs_checksum || parameters_.mss_clamp ? 2U : 0U) + (parameters_.mss_clamp ? 2U : 0U);
    check(differences <= allowed, "the rest of the packet is unchanged");
  }

  const engine::TunnelParameters& parameters_;
  wire::VnetHeader offload_;
  wire::Bytes packet_;
  bool finishing_;
  std::optional<std::uint16_t> identification_;
  std::vector<std::uint8_t> inner_;
};

/// Runs the pump. `finishing`: the link finishes checksums.
void send(wire::Bytes input, const wire::VnetHeader& offload, wire::Bytes packet, bool finishing) {
  const engine::TunnelParameters parameters = parameters_of(input);
  const int times = (input[6] & flag_twice) != 0 ? 2 : 1;
  Tun tun{parameters, offload, packet, times};
  Wire wire{parameters, offload, packet, finishing};
  engine::DirectionCounters counters;
  const auto pump = std::make_unique<engine::OutboundPump<Tun, Wire>>(tun, wire, counters);
  while (pump->turn(parameters, engine::Time{std::chrono::hours{1}}) == engine::IoStatus::ok) continue;

  check(counters.packets.value() == wire.packets, "what was sent is counted");
  check(counters.bytes.value() == wire.bytes, "its bytes are counted");
  std::uint64_t drops = 0;
  for (const auto reason : {engine::Verdict::not_ipv6, engine::Verdict::malformed, engine::Verdict::loop,
                            engine::Verdict::source_not_ours, engine::Verdict::too_big})
    drops += counters.dropped(reason);
  std::uint64_t all_drops = 0;
  for (const engine::Counter& counter : counters.drops) all_drops += counter.value();
  check(drops == all_drops, "no other drop reasons");
  check(drops == 0 || drops == static_cast<std::uint64_t>(times), "equal packets have the same verdict");
  check((drops == 0) == (wire.packets != 0), "a packet is sent, or dropped and counted");
  check(tun.errors <=
            counters.dropped(engine::Verdict::too_big) + counters.dropped(engine::Verdict::source_not_ours),
        "only too large packets and foreign sources are answered");
  check(parameters.egress_filter || counters.dropped(engine::Verdict::source_not_ours) == 0,
        "without the filter no packet is refused");
  check(counters.icmp_errors.value() == tun.errors, "answers are counted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::Bytes input{data, size};
  const auto vnet = wire::fixed<wire::vnet_header_size>(input, parameter_bytes);
  if (!vnet) return -1;
  const wire::Bytes packet = input.subspan(parameter_bytes + wire::vnet_header_size);
  if (packet.size() > engine::tun_read_size - wire::vnet_header_size) return -1;

  for (const bool finishing : {false, true})
    send(input, wire::read_vnet_header(*vnet, std::endian::little), packet, finishing);
  return 0;
}
