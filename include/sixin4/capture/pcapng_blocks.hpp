// What was seen at a tunnel's end as the blocks of a pcapng file.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/wire/pcapng.hpp"

namespace sixin4::capture {

/// What stands in front of every file.
struct CaptureHead {
  std::string application;       ///< with its version
  std::string operating_system;  ///< with its version
  std::string interface;         ///< of the tunnel
  std::string filter{};          ///< empty: none
  std::uint32_t snap_length = 0;
  std::optional<Form> form{};  ///< that is asked for; nothing: both
};

/// Of one form, since the capture began.
struct CaptureCounts {
  std::uint64_t received = 0;   ///< packets that there were
  std::uint64_t missed = 0;     ///< of them, those for which there was no room
  std::uint64_t delivered = 0;  ///< of them, those that were written
};

/// What makes the time of day of the engine's time, now: clocks are set, and drift.
[[nodiscard]] std::chrono::nanoseconds time_of_day_offset();
/// Since 1970; an `offset` of above.
[[nodiscard]] std::uint64_t time_of_day_ns(engine::Time time, std::chrono::nanoseconds offset) noexcept;

[[nodiscard]] wire::pcapng::Direction pcapng_direction(engine::Direction direction) noexcept;

/// The name of the interface that has the packets of one form: `he6 (inner)` or `he6 (outer)`.
[[nodiscard]] std::string interface_name(const std::string& tunnel, Form form);

/// `drop: REASON`; empty for `Verdict::pass`.
[[nodiscard]] std::string drop_text(engine::Verdict verdict);

/// Appends the blocks of one file to a buffer that it is given.
class PcapngBlocks {
 public:
  explicit PcapngBlocks(CaptureHead head) : head_(std::move(head)) {}

  /// A section with the interfaces `INTERFACE (inner)` and `INTERFACE (outer)`; only one of them where one
  /// form is asked for, until a packet of the other comes. tcpdump (libpcap 1.10) reads no file with two
  /// interfaces of link type RAW, because it takes the number of that type in files for another one than its
  /// own.
  void begin(wire::pcapng::Buffer& to);
  /// At most the snap length of it.
  void add(wire::pcapng::Buffer& to, const SeenPacket& packet, std::chrono::nanoseconds offset);
  /// Of a capture from `started` until now.
  void finish(wire::pcapng::Buffer& to, const CaptureCounts& inner, const CaptureCounts& outer,
              engine::Time started, std::chrono::nanoseconds offset) const;

 private:
  std::uint32_t interface_of(wire::pcapng::Buffer& to, Form form);

  CaptureHead head_;
  std::array<std::optional<std::uint32_t>, 2> interfaces_{};  ///< number of each form's
};

}  // namespace sixin4::capture
