// Reads a capture file as the offline verbs need it: whole IP packets without their link headers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sixin4/base/progress.hpp"
#include "sixin4/dissect/capture_reader.hpp"
#include "sixin4/dissect/fragment_assembler.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::dissect {

/// An IP packet of a capture. IPv4 fragments of protocol 41 are reassembled.
struct InputPacket {
  std::chrono::nanoseconds time{};  ///< since 1970; a reassembled packet has that of the last fragment
  wire::Bytes bytes{};              ///< the captured bytes, padding included; valid until `next`
  std::size_t length = 0;           ///< of the packet on the wire
  std::uint32_t fragments = 0;      ///< number of its fragments; 0: the packet was not fragmented
  int link_type = 0;                ///< of its frame, or of the last fragment's frame (DLT_…)
};

/// Counts since the beginning of the file.
struct InputCounts {
  std::uint64_t frames = 0;
  std::uint64_t not_ip = 0;        ///< frames without an IP packet
  std::uint64_t unknown_link = 0;  ///< frames of a link type that sixin4 does not know
  std::uint64_t cut_short = 0;     ///< frames that were cut before their IP packet
  std::uint64_t reassembled = 0;   ///< packets that were reassembled
  std::uint64_t fragments = 0;     ///< fragments of these packets, without duplicates
};

/// Throws base::ConfigurationError if the file does not exist or is not a readable capture, and
/// std::system_error if it cannot be opened.
class CaptureInput {
 public:
  using IncompleteHandler = std::function<void(const IncompletePacket&)>;

  /// Whether fragments of 6in4 inside a carrier (GRE, VXLAN or Geneve) are reassembled. The reassembled
  /// packet is the 6in4 packet without the carriers, because each fragment had a carrier header of its own.
  /// `replay` leaves carriers opaque, because no endpoint receives the packets inside them.
  enum class Carriers : std::uint8_t { are_opaque, are_opened };

  /// `path` is `-` for standard input. With `shows_progress` a progress bar is shown on a terminal.
  /// `incomplete` is called from `next` for each packet whose fragments are given up.
  explicit CaptureInput(const std::string& path, bool shows_progress = false,
                        IncompleteHandler incomplete = {}, Carriers carriers = Carriers::are_opaque);

  /// Returns nothing at the end of the file. Fragments of other protocols are returned as packets.
  [[nodiscard]] std::optional<InputPacket> next();

  [[nodiscard]] const InputCounts& counts() const noexcept { return counts_; }
  /// The first link type in the file that sixin4 does not know.
  [[nodiscard]] std::optional<int> unknown_link_type() const noexcept { return unknown_link_type_; }
  /// Fragments of protocol 41 whose packets are not complete.
  [[nodiscard]] std::uint64_t left_over() const noexcept { return assembler_.left_over(); }
  [[nodiscard]] const CaptureReader& file() const noexcept { return reader_; }

 private:
  [[nodiscard]] std::optional<CapturedFrame> next_frame();
  [[nodiscard]] std::optional<Reassembled> assemble(const InputPacket& packet,
                                                    const wire::Ipv4Header& header);
  void report_incomplete() const;
  void finish();
  void check_link_types() const;

  std::string path_;
  CaptureReader reader_;
  std::optional<base::Progress> progress_;  ///< empty: no bar, or the file has ended
  FragmentAssembler assembler_;
  IncompleteHandler incomplete_;
  Carriers carriers_;
  InputCounts counts_;
  std::optional<int> unknown_link_type_;
};

}  // namespace sixin4::dissect
