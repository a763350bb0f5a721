// Fuzzes source rules with packets of both directions, a small flow table and passing time: only addresses
// and checksums change, right checksums stay right, and answers are translated back.
//
// Input: records of flags (1 byte: direction, unfinished checksum, upper four bits: time that passes before,
// in 10 s), length (2), packet.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include "sixin4/engine/rewrite.hpp"
#include "sixin4/engine/source_translation.hpp"
#include "sixin4/wire/transport.hpp"

namespace {

using namespace sixin4;
using engine::Direction;

constexpr std::size_t record_bytes = 3;
constexpr std::uint8_t flag_inward = 0x01;
constexpr std::uint8_t flag_unfinished = 0x02;
constexpr std::uint32_t max_flows = 6;

constexpr wire::Ipv6Address pool_address(std::uint8_t number) {
  return {{0x20, 0x01, 0x0d, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number}};
}
constexpr wire::Ipv6Prefix rejected{{{0x20, 0x01, 0x0d, 0xb8, 0xbe}}, 48};

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "violated: " << what << std::endl;
  std::abort();
}

/// TCP uses the first address of the pool, UDP a random one, other protocols one by hash; one prefix is
/// rejected.
std::shared_ptr<const engine::SourceRules> rules() {
  const auto use = [](engine::PoolMode mode) {
    engine::SourceRule rule;
    rule.target = {.action = engine::SourceAction::use, .pool = 0};
    rule.mode = mode;
    return rule;
  };
  engine::SourceRule reject;
  reject.to = rejected;
  reject.target.action = engine::SourceAction::reject;
  engine::SourceRule tcp = use(engine::PoolMode::first);
  tcp.protocol = wire::next_header::tcp;
  engine::SourceRule udp = use(engine::PoolMode::random);
  udp.protocol = wire::next_header::udp;
  return std::make_shared<engine::SourceRules>(
      std::vector{reject, tcp, udp, use(engine::PoolMode::hash)},
      std::vector{engine::AddressPool{{{pool_address(0x25), pool_address(0x26)}}}},
      std::vector<engine::SourceTable>{});
}

/// A copy of a packet, of exactly its size, so that AddressSanitizer finds accesses beyond it.
struct Copy {
  explicit Copy(wire::Bytes from) : bytes(std::make_unique<std::uint8_t[]>(from.size())), size(from.size()) {
    std::ranges::copy(from, bytes.get());
  }
  [[nodiscard]] wire::MutableBytes view() const { return {bytes.get(), size}; }
  std::unique_ptr<std::uint8_t[]> bytes;
  std::size_t size;
};

bool sums_up(wire::Bytes packet, const engine::FlowPacket& parsed) {
  const wire::Bytes transport = packet.subspan(parsed.transport);
  std::uint32_t sum = static_cast<std::uint32_t>(transport.size()) + parsed.key.protocol;
  const auto add = [&sum](wire::Bytes bytes) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      sum += at % 2 == 0 ? std::uint32_t{bytes[at]} << 8U : bytes[at];
      sum = (sum & 0xffffU) + (sum >> 16U);
    }
  };
  add(packet.subspan(8, 32));
  add(transport);
  return (sum & 0xffffU) + (sum >> 16U) == 0xffff;
}

std::size_t differences(wire::Bytes one, wire::Bytes other) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < one.size(); ++at) count += one[at] != other[at] ? 1 : 0;
  return count;
}

/// Checks that only the local address and a checksum changed, in an ICMPv6 error also those of the quoted
/// packet.
void check_changes(wire::Bytes before, wire::Bytes after, const engine::FlowPacket& parsed,
                   Direction direction) {
  constexpr std::size_t checksum = 2;
  const std::size_t local = direction == Direction::out ? 8 : 24;
  const std::size_t elsewhere = differences(before.first(local), after.first(local)) +
                                differences(before.subspan(local + 16), after.subspan(local + 16));
  const bool error = parsed.part == engine::FlowPart::error;
  check(elsewhere <= (error ? checksum + 16 + checksum : checksum), "everything else stays");
  const bool whole = parsed.part == engine::FlowPart::packet && !parsed.is_first_fragment;
  const bool covers_addresses = wire::pseudo_header_checksum_offset(parsed.key.protocol).has_value() &&
                                parsed.key.protocol != wire::next_header::udp_lite &&
                                parsed.key.protocol != wire::next_header::dccp;
  if ((whole || error) && covers_addresses && sums_up(before, parsed)) {
    check(sums_up(after, parsed), "a right checksum stays right");
  }
}

/// Turns a packet into its answer by swapping addresses and ports, which leaves the checksum right or wrong
/// as it was.
void turn_round(wire::MutableBytes packet, std::size_t transport) {
  const auto addresses = packet.subspan(8, 32);
  std::swap_ranges(addresses.data(), addresses.data() + 16, addresses.data() + 16);
  const auto ports = packet.subspan(transport, 4);
  std::swap_ranges(ports.data(), ports.data() + 2, ports.data() + 2);
}

/// Whether the checksum field is 0xffff, the other form of 0 in ones' complement.
bool has_odd_zero(wire::Bytes packet, const engine::FlowPacket& parsed) {
  const auto offset = wire::pseudo_header_checksum_offset(parsed.key.protocol);
  const auto field = wire::fixed<2>(packet, parsed.transport + offset.value_or(0));
  return offset && field && wire::load16<0>(*field) == 0xffff;
}

wire::VnetHeader offload_of(const engine::FlowPacket& parsed, bool unfinished) {
  const auto offset = wire::pseudo_header_checksum_offset(parsed.key.protocol);
  if (!unfinished || !offset) return {};
  return {.needs_checksum = true,
          .checksum_start = static_cast<std::uint16_t>(parsed.transport),
          .checksum_offset = static_cast<std::uint16_t>(*offset)};
}

class Tunnel {
 public:
  Tunnel() {
    parameters_.egress_filter = false;
    parameters_.source_rules = rules();
    parameters_.flows = std::make_shared<engine::FlowMemory>(max_flows, 4711U);
  }

  void take(wire::Bytes bytes, std::uint8_t flags) {
    now_ += std::chrono::seconds{10 * (flags >> 4U)};
    if (flags >> 4U != 0) parameters_.flows->table.expire(now_);
    const auto header = wire::Ipv6Header::at(bytes);
    if (!header) return;
    const wire::Bytes packet = bytes.first(header->packet_length());
    if ((flags & flag_inward) != 0) {
      take_inward(packet, (flags & flag_unfinished) != 0);
    } else {
      take_outward(packet, (flags & flag_unfinished) != 0);
    }
    check(parameters_.flows->table.size() <= max_flows, "the flow table is bounded");
  }

 private:
  void take_inward(wire::Bytes packet, bool unfinished) {
    const Copy copy{packet};
    const auto parsed = engine::flow_packet_of(packet, Direction::in);
    engine::TunPacket received{.offload = offload_of(parsed, unfinished), .bytes = copy.view()};
    engine::restore_destination(parameters_, received, now_);
    check(received.bytes.data() == copy.bytes.get() && received.bytes.size() == copy.size,
          "the packet is changed in place");
    if (!unfinished) check_changes(packet, copy.view(), parsed, Direction::in);
  }

  void take_outward(wire::Bytes packet, bool unfinished) {
    const Copy copy{packet};
    const auto parsed = engine::flow_packet_of(packet, Direction::out);
    const auto choice = engine::choose_source(parameters_, packet, parsed, now_);
    if (choice.verdict != engine::Verdict::pass) {
      check(choice.verdict == engine::Verdict::source_rejected ||
                choice.verdict == engine::Verdict::flow_table_full ||
                choice.verdict == engine::Verdict::pool_exhausted ||
                (choice.verdict == engine::Verdict::malformed && parsed.is_cut_short),
            "a verdict of source rules");
      check(!choice.rewrites, "a refused packet is not changed");
    }
    if (!choice.rewrites) return;
    engine::TunPacket read{.offload = offload_of(parsed, unfinished), .bytes = copy.view()};
    engine::apply(choice, parsed, read);
    const auto after = engine::flow_packet_of(copy.view(), Direction::out);
    check(after.key.local == engine::resulting_source(choice, parsed), "the packet has the chosen source");
    if (unfinished) return;
    check_changes(packet, copy.view(), parsed, Direction::out);
    if (parsed.part == engine::FlowPart::packet && wire::has_ports(parsed.key.protocol)) {
      check_way_back(packet, copy, parsed);
    }
  }

  void check_way_back(wire::Bytes packet, const Copy& left, const engine::FlowPacket& parsed) {
    const Copy expected{packet};
    turn_round(expected.view(), parsed.transport);
    turn_round(left.view(), parsed.transport);
    engine::TunPacket answer{.offload = {}, .bytes = left.view()};
    engine::restore_destination(parameters_, answer, now_);
    // A field of 0xffff, which only UDP senders write, comes back as 0, the same number in ones' complement.
    check(differences(expected.view(), left.view()) <= (has_odd_zero(packet, parsed) ? 2U : 0U),
          "an answer is translated back");
  }

  engine::TunnelParameters parameters_;
  engine::Time now_{std::chrono::hours{1}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Tunnel tunnel;
  wire::Bytes input{data, size};
  while (const auto record = wire::fixed<record_bytes>(input)) {
    const wire::Bytes rest = input.subspan(record_bytes);
    const wire::Bytes packet = rest.first(std::min<std::size_t>(rest.size(), wire::load16<1>(*record)));
    tunnel.take(packet, wire::load8<0>(*record));
    input = rest.subspan(packet.size());
  }
  return 0;
}
