// The output of a replay for each packet: a line in the style of tcpdump, or blocks of a pcapng file like
// those of `sixin4 capture`.
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

/// The PacketObserver of the pumps.
class ReplayRecord {
 public:
  /// Prints lines to standard output if `prints`, and writes packets to `output` if it is not null. `output`
  /// must outlive the record.
  ReplayRecord(bool prints, capture::PcapngFile* output) noexcept : prints_(prints), output_(output) {}

  /// Sets the time of the following packets, since 1970.
  void set_time(std::chrono::nanoseconds time) noexcept { time_ = time; }

  void begin(engine::Time /*now*/) const noexcept {}
  void from_tun(engine::PacketId id, wire::Bytes packet);
  void from_wire(engine::PacketId id, wire::Bytes packet);
  void refused(engine::PacketId id, engine::Verdict verdict);
  void withdrawn(engine::PacketId /*id*/) noexcept { arrived_.reset(); }
  void to_wire(engine::PacketId id, std::span<const wire::Bytes> parts, engine::Verdict verdict);
  void to_tun(engine::PacketId id, wire::Bytes packet);
  void answered(engine::PacketId id, wire::Bytes packet);
  void end();

  /// Records an ICMP error of the capture. Its line goes before all lines since the last `flush`, because
  /// they are its consequences.
  void error(wire::Bytes packet, std::string_view outcome);

  /// Writes the lines and a full buffer. Call it between packets: it throws std::system_error if a write
  /// fails, and exceptions must not pass through the pumps.
  void flush();

 private:
  using Form = capture::Form;
  struct Seen {
    engine::PacketId id = 0;
    Form form = Form::inner;
    engine::Direction direction = engine::Direction::in;
    engine::Verdict verdict = engine::Verdict::pass;
  };

  void arrive(const Seen& seen, wire::Bytes packet);
  void write_arrived();
  void write(const Seen& seen, wire::Bytes packet);
  void print(const Seen& seen, std::string_view outcome, wire::Bytes packet);
  [[nodiscard]] wire::Bytes joined(std::span<const wire::Bytes> parts);

  bool prints_;
  capture::PcapngFile* output_;
  std::chrono::nanoseconds time_{};
  std::optional<Seen> arrived_;                ///< the packet in the pump; written once its verdict is final
  std::vector<std::uint8_t> arrived_bytes_{};  ///< a copy, because the engine changes the packet
  std::vector<std::uint8_t> joined_{};
  std::string lines_{};
};

static_assert(engine::PacketObserver<ReplayRecord>);

}  // namespace sixin4::replay
