// The way of a packet of a capture through a replay:
//
//  1. CaptureInput returns the next IP packet. IPv4 fragments of protocol 41 are reassembled.
//  2. The time of the packet becomes the time of the engine. Path MTUs and flows expire.
//  3. `side_of` decides by the packet and the parameters in force on which side of the endpoint it was.
//  4. An outward packet is extended to its full length and given to ReplayTun, with the offload data that
//     tun would have. OutboundPump reads it there.
//  5. An inward packet is extended to its full length and given to ReplayWire. InboundPump receives it
//     there. A fragment, or a packet whose headers were not captured, counts as `other`.
//  6. An ICMP error is given to ReplayWire as the error queue of a socket would have it. A path MTU in it
//     changes the parameters.
//  7. Packets of the other sides are counted.
//  8. ReplayRecord observes the pumps. It prints a line for each packet, or writes it to the output file.
//  9. At the end of the capture `--json` prints the counters. A summary goes to standard error.
#include "sixin4/replay/replay.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/base/standard_output.hpp"
#include "sixin4/capture/pcapng_blocks.hpp"
#include "sixin4/capture/pcapng_file.hpp"
#include "sixin4/dissect/capture_input.hpp"
#include "sixin4/dissect/link_layer.hpp"
#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/replay/offline_control.hpp"
#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

#include "replay_ends.hpp"
#include "replay_plan.hpp"
#include "replay_record.hpp"
#include "replay_side.hpp"

namespace sixin4::replay {

namespace {

using engine::IoStatus;
using engine::Verdict;
using json = nlohmann::ordered_json;

json to_json(const engine::DirectionCounters& counters) {
  return {{"packets", counters.packets.value()},
          {"bytes", counters.bytes.value()},
          {"icmp_errors", counters.icmp_errors.value()}};
}

engine::DirectionTotals totals_of(const engine::DirectionCounters& counters) {
  engine::DirectionTotals totals;
  totals.add(counters);
  return totals;
}

json drops_json(const engine::DirectionCounters& counters) {
  json drops = json::object();
  totals_of(counters).for_each_drop([&drops](Verdict verdict, std::uint64_t count) {
    drops[std::string{engine::name_of(verdict)}] = count;
  });
  return drops;
}

std::uint64_t all_drops(const engine::DirectionCounters& counters) {
  std::uint64_t sum = 0;
  totals_of(counters).for_each_drop([&sum](Verdict /*verdict*/, std::uint64_t count) { sum += count; });
  return sum;
}

/// The engine can decide about this packet of protocol 41: it is no fragment, because a kernel reassembles
/// fragments before it delivers them, and both headers were captured.
bool can_be_replayed(const dissect::InputPacket& packet) noexcept {
  const auto outer = wire::Ipv4Header::at(packet.bytes);
  if (!outer || outer->is_fragment()) return false;
  const std::size_t headers = outer->header_length() + wire::ipv6_header_size;
  return packet.bytes.size() >= std::min(packet.length, headers);
}

std::uint64_t frames_without_ip(const dissect::InputCounts& input) noexcept {
  return input.not_ip + input.cut_short + input.unknown_link;
}

std::optional<capture::PcapngFile> open_output(const ReplayPlan& plan) {
  if (plan.output.empty()) return std::nullopt;
  const std::string& interface = plan.configuration.interface;
  return capture::open_pcapng_file(plan.output, {capture::interface_name(interface, capture::Form::inner),
                                                 capture::interface_name(interface, capture::Form::outer)});
}

class Replay {
 public:
  explicit Replay(ReplayPlan plan);
  void run();

 private:
  struct Counts {
    std::array<std::uint64_t, 6> sides{};  ///< packets, indexed by ReplaySide
    std::uint64_t truncated = 0;           ///< replayed with zeros for the bytes that were not captured
    [[nodiscard]] std::uint64_t& of(ReplaySide side) { return sides.at(static_cast<std::size_t>(side)); }
    [[nodiscard]] std::uint64_t of(ReplaySide side) const { return sides.at(static_cast<std::size_t>(side)); }
  };

  void finish();
  void take(const dissect::InputPacket& packet);
  void take_error(wire::Bytes packet);
  [[nodiscard]] wire::MutableBytes full_length(const dissect::InputPacket& packet);
  void report() const;
  void print_json() const;

  ReplayPlan plan_;
  dissect::CaptureInput input_;
  std::optional<capture::PcapngFile> output_;
  bool prints_;
  OfflineControl control_;
  ReplayTun tun_;
  ReplayWire wire_;
  ReplayRecord record_;
  engine::DirectionCounters out_;
  engine::DirectionCounters in_;
  engine::LastTime last_heard_;
  engine::OutboundPump<ReplayTun, ReplayWire> outbound_{tun_, wire_, out_};
  engine::InboundPump<ReplayWire, ReplayTun> inbound_{wire_, tun_, in_, last_heard_};
  engine::Time now_{};
  Counts counts_;
  std::vector<std::uint8_t> packet_;  ///< the packet in the pump, at its full length
};

Replay::Replay(ReplayPlan plan)
    : plan_(std::move(plan)),
      input_(plan_.input, !plan_.prints_on_terminal()),
      output_(open_output(plan_)),
      prints_(plan_.output.empty() && !plan_.json),
      control_(plan_.configuration, plan_.local, plan_.remote, plan_.link_mtu),
      record_(prints_, output_ ? &*output_ : nullptr) {}

void Replay::run() {
  try {
    while (const auto packet = input_.next()) take(*packet);
  } catch (const base::ConfigurationError&) {
    finish();  // writes and reports the packets before the damaged part of the file
    throw;
  }
  finish();
}

void Replay::finish() {
  if (output_) output_->flush();
  if (plan_.json) print_json();
  base::flush_printed();
  report();
}

void Replay::take(const dissect::InputPacket& packet) {
  // The engine's time must not go back, but the time in a capture may.
  now_ = std::max(now_, engine::Time{packet.time});
  control_.pass_time(now_);
  const engine::TunnelParameters& parameters = control_.parameters();
  const Framing framing = dissect::has_link_header(packet.link_type) ? Framing::link : Framing::bare;
  const ReplaySide side = side_of(packet.bytes, framing, parameters);
  ++counts_.of(side);
  record_.set_time(packet.time);
  switch (side) {
    case ReplaySide::outward: {
      const wire::Bytes bytes = full_length(packet);
      tun_.give(offload_of(bytes, parameters.mtu), bytes);
      while (outbound_.turn(parameters, now_, record_) == IoStatus::ok) continue;
      break;
    }
    case ReplaySide::inward:
      if (!can_be_replayed(packet)) {
        --counts_.of(side);
        ++counts_.of(ReplaySide::other);
        break;
      }
      wire_.give(full_length(packet));
      while (inbound_.turn(parameters, now_, record_) == IoStatus::ok) continue;
      break;
    case ReplaySide::error:
      take_error(packet.bytes);
      break;
    default:
      break;
  }
  record_.flush();
}

void Replay::take_error(wire::Bytes packet) {
  const std::uint64_t mismatched = in_.dropped(Verdict::icmp_mismatch);
  const std::uint64_t ignored = in_.dropped(Verdict::icmp_ignored);
  wire_.give(wire_error_of(packet));
  (void)inbound_.turn(control_.parameters(), now_, record_);
  control_.take_path_mtu(inbound_.take_path_mtu(), now_);
  const std::string_view outcome = in_.dropped(Verdict::icmp_mismatch) != mismatched ? "dropped icmp-mismatch"
                                   : in_.dropped(Verdict::icmp_ignored) != ignored   ? "dropped icmp-ignored"
                                                                                     : "taken";
  record_.error(packet, outcome);
}

/// The packet at its full length without padding. Zeros stand for bytes that were not captured.
wire::MutableBytes Replay::full_length(const dissect::InputPacket& packet) {
  std::size_t length = packet.length;
  if (const auto outer = wire::Ipv4Header::at(packet.bytes)) {
    // A packet before segmentation by the network card may have the length 0.
    if (outer->total_length() != 0) length = std::min<std::size_t>(length, outer->total_length());
  } else {
    const wire::Ipv6Header inner{packet.bytes.first<wire::ipv6_header_size>()};
    length = std::min(length, inner.packet_length());
  }
  constexpr std::size_t most = engine::tun_read_size - wire::vnet_header_size;
  length = std::min(std::max(length, std::min(packet.bytes.size(), wire::ipv6_header_size)), most);
  const wire::Bytes captured = packet.bytes.first(std::min(packet.bytes.size(), length));
  if (captured.size() < length) ++counts_.truncated;
  packet_.assign(captured.begin(), captured.end());
  packet_.resize(length);
  return packet_;
}

void Replay::report() const {
  const auto of = [this](ReplaySide side) { return std::to_string(counts_.of(side)); };
  const dissect::InputCounts& input = input_.counts();
  std::cerr << input.frames << " packets: " << of(ReplaySide::outward) << " outward, "
            << of(ReplaySide::inward) << " inward, " << of(ReplaySide::error)
            << " ICMP errors; left out: " << of(ReplaySide::sent) << " that this end had sent, "
            << of(ReplaySide::received) << " that it had received, "
            << counts_.of(ReplaySide::other) + frames_without_ip(input) << " others";
  if (input_.left_over() != 0) std::cerr << ", " << input_.left_over() << " fragments of incomplete packets";
  std::cerr << '\n';
  if (counts_.truncated != 0) {
    std::cerr << counts_.truncated << " packets were not captured whole: zeros stand for the rest\n";
  }
  std::cerr << "as " << to_string(plan_.local) << " > " << to_string(plan_.remote) << " mtu "
            << control_.parameters().mtu << ": sent " << out_.packets.value() << ", written "
            << in_.packets.value() << ", dropped " << all_drops(out_) + all_drops(in_) << ", ICMPv6 errors "
            << out_.icmp_errors.value() + in_.icmp_errors.value() << '\n';
}

void Replay::print_json() const {
  const json object{
      {"interface", plan_.configuration.interface},
      {"local", to_string(plan_.local)},
      {"remote", to_string(plan_.remote)},
      {"mtu", control_.parameters().mtu},
      {"path_mtu", control_.path_mtu()},
      {"out", to_json(out_)},
      {"in", to_json(in_)},
      {"drops", {{"out", drops_json(out_)}, {"in", drops_json(in_)}}},
      {"flows", control_.flows()},
      {"left_out",
       {{"sent", counts_.of(ReplaySide::sent)},
        {"received", counts_.of(ReplaySide::received)},
        {"others", counts_.of(ReplaySide::other) + frames_without_ip(input_.counts())},
        {"fragments", input_.left_over()}}},
      {"truncated", counts_.truncated},
  };
  base::print(base::to_json_text(object, 2) + '\n');
}

}  // namespace

void run_replay(const std::vector<std::string>& arguments) {
  const auto replay = std::make_unique<Replay>(replay_plan_of(arguments));
  replay->run();
}

std::string describe_replay() {
  return describe_replay_options() +
         "\nIN is a pcap or pcapng file, or - for standard input. IPv6 packets from an address of this\n"
         "end, or to any other address, go out. Protocol 41 to this end and ICMP errors about it come in.\n"
         "Packets that this end had sent or received when the capture was made are left out. The time is\n"
         "that of the capture.\n";
}

}  // namespace sixin4::replay
