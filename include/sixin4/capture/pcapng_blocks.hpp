// Turns captured packets of a tunnel into the blocks of a pcapng file.
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

/// The facts at the beginning of a file.
struct CaptureHead {
  std::string application;        ///< with its version
  std::string operating_system;   ///< with its version
  std::string interface;          ///< name of the tunnel interface
  std::string filter{};           ///< expression in the language of tcpdump; empty: none
  std::uint32_t snap_length = 0;  ///< the most bytes that are kept of a packet
  std::optional<Form> form{};     ///< the only form in the file; empty: both
};

/// Packets of one form since the capture began.
struct CaptureCounts {
  std::uint64_t received = 0;   ///< all packets
  std::uint64_t missed = 0;     ///< part of `received`: the ring had no room for them
  std::uint64_t delivered = 0;  ///< part of `received`: written to the file
};

/// The difference between the time of day and the engine's clock. It changes, because the time of day is set
/// and the clocks drift.
[[nodiscard]] std::chrono::nanoseconds time_of_day_offset();
/// Converts to nanoseconds since 1970. `offset` comes from `time_of_day_offset`.
[[nodiscard]] std::uint64_t time_of_day_ns(engine::Time time, std::chrono::nanoseconds offset) noexcept;

[[nodiscard]] wire::pcapng::Direction pcapng_direction(engine::Direction direction) noexcept;

/// The name of the interface that has the packets of one form: `he6 (inner)` or `he6 (outer)`.
[[nodiscard]] std::string interface_name(const std::string& tunnel, Form form);

/// `drop: REASON`; empty for `Verdict::pass`.
[[nodiscard]] std::string drop_text(engine::Verdict verdict);

/// Appends the blocks of one file to a buffer of the caller.
class PcapngBlocks {
 public:
  explicit PcapngBlocks(CaptureHead head) : head_(std::move(head)) {}

  /// Begins a section with the interfaces `INTERFACE (inner)` and `INTERFACE (outer)`. If the head names one
  /// form, the section has one interface until a packet of the other form comes. The reason: tcpdump
  /// (libpcap 1.10) does not read a file with two interfaces of link type RAW, because it compares the number
  /// of that type in files with its own number of the type.
  void begin(wire::pcapng::Buffer& to);
  /// Appends a packet, cut to the snap length.
  void add(wire::pcapng::Buffer& to, const SeenPacket& packet, std::chrono::nanoseconds offset);
  /// Appends the statistics of a capture from `started` until now.
  void finish(wire::pcapng::Buffer& to, const CaptureCounts& inner, const CaptureCounts& outer,
              engine::Time started, std::chrono::nanoseconds offset) const;

 private:
  std::uint32_t interface_of(wire::pcapng::Buffer& to, Form form);

  CaptureHead head_;
  std::array<std::optional<std::uint32_t>, 2>
      interfaces_{};  ///< number of each form's interface; empty: not described yet
};

}  // namespace sixin4::capture
