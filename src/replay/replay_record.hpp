// What a replay tells of every packet: lines in tcpdump's manner, or a capture as a running endpoint's would
// be.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sixin4/capture/pcapng_file.hpp"
#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/engine/observer.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::replay {

/// An observer of the pumps.
class ReplayRecord {
 public:
  /// `output` is nothing, or outlives the record. Lines go to standard output.
  ReplayRecord(bool prints, capture::PcapngFile* output) noexcept : prints_(prints), output_(output) {}

  /// The capture's time of what comes next, since 1970.
  void at(std::chrono::nanoseconds time) noexcept { time_ = time; }

  void begin(engine::Time /*now*/) const noexcept {}
  void from_tun(engine::PacketId id, wire::Bytes packet);
  void from_wire(engine::PacketId id, wire::Bytes packet);
  void refused(engine::PacketId id, engine::Verdict verdict);
  void withdrawn(engine::PacketId /*id*/) noexcept { arrived_.reset(); }
  void to_wire(engine::PacketId id, std::span<const wire::Bytes> parts, engine::Verdict verdict);
  void to_tun(engine::PacketId id, wire::Bytes packet);
  void answered(engine::PacketId id, wire::Bytes packet);
  void end();

  /// An ICMP error of the capture, and what has become of it. Stands in front of what was told since
  /// `hand_over`, which follows from it.
  void error(wire::Bytes packet, std::string_view outcome);

  /// Brings what was told on its way. Call it between packets: it throws std::system_error where nobody
  /// takes that, which the pumps would not pass on.
  void hand_over();

 private:
  using Form = capture::Form;
  struct Seen {
    engine::PacketId id = 0;
    Form form = Form::inner;
    engine::Direction direction = engine::Direction::in;
    engine::Verdict verdict = engine::Verdict::pass;
  };

  void arrive(const Seen& seen, wire::Bytes packet);
  void settle();
  void write(const Seen& seen, wire::Bytes packet);
  void print(const Seen& seen, std::string_view what, wire::Bytes packet);
  [[nodiscard]] wire::Bytes joined(std::span<const wire::Bytes> parts);

  bool prints_;
  capture::PcapngFile* output_;
  std::chrono::nanoseconds time_{};
  std::optional<Seen> arrived_;                ///< and is not written yet, because it may be refused
  std::vector<std::uint8_t> arrived_bytes_{};  ///< as it came: the engine works on its own
  std::vector<std::uint8_t> joined_{};
  std::string lines_{};
};

static_assert(engine::PacketObserver<ReplayRecord>);

}  // namespace sixin4::replay
