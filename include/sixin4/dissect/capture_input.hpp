// A capture file as the offline verbs read it: whole IP packets, whatever link they were on.
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

/// An IP packet of a capture, put together where it came in fragments.
struct InputPacket {
  std::chrono::nanoseconds time{};  ///< since 1970; of its last fragment
  wire::Bytes bytes{};              ///< what the capture has of it, padding included; valid until the next
  std::size_t length = 0;           ///< that it had
  std::uint32_t fragments = 0;      ///< that it was put together from; 0: it came whole
  int link_type = 0;                ///< of the frame that it came in, DLT_…; of its last fragment
};

struct InputCounts {
  std::uint64_t frames = 0;
  std::uint64_t not_ip = 0;
  std::uint64_t unknown_link = 0;  ///< frames of link types that sixin4 does not know
  std::uint64_t cut_short = 0;     ///< frames of which the capture has not even kept what they carry
  std::uint64_t reassembled = 0;   ///< packets, from so many
  std::uint64_t fragments = 0;     ///< fragments, those that came twice left out
};

/// Whatever is wrong with the file is thrown as a base::ConfigurationError; what the system refuses as a
/// std::system_error.
class CaptureInput {
 public:
  using TakesIncomplete = std::function<void(const IncompletePacket&)>;

  /// Whether fragments under carriers, GRE for example, come together: as a packet without the carriers, each
  /// of which had one fragment. No endpoint receives what is under a carrier.
  enum class Carriers : std::uint8_t { are_opaque, are_opened };

  /// `path` is `-` for standard input. `bar` says whether a terminal is to see how far it is. `incomplete`
  /// is called from `next`.
  explicit CaptureInput(const std::string& path, bool bar = false, TakesIncomplete incomplete = {},
                        Carriers carriers = Carriers::are_opaque);

  /// Nothing at the end of the file. IPv4 fragments of protocol 41 come together; others as they are.
  [[nodiscard]] std::optional<InputPacket> next();

  [[nodiscard]] const InputCounts& counts() const noexcept { return counts_; }
  /// The first link type that sixin4 does not know.
  [[nodiscard]] std::optional<int> unknown_link_type() const noexcept { return unknown_link_type_; }
  /// Fragments whose packets never became whole.
  [[nodiscard]] std::uint64_t left_over() const noexcept { return assembler_.left_over(); }
  [[nodiscard]] const CaptureReader& file() const noexcept { return reader_; }

 private:
  [[nodiscard]] std::optional<CapturedFrame> next_frame();
  [[nodiscard]] std::optional<Reassembled> assemble(const InputPacket& packet,
                                                    const wire::Ipv4Header& header);
  void tell_incomplete() const;
  void end();
  void check_link_types() const;

  std::string path_;
  CaptureReader reader_;
  std::optional<base::Progress> progress_;  ///< until the end of the file
  FragmentAssembler assembler_;
  TakesIncomplete incomplete_;
  Carriers carriers_;
  InputCounts counts_;
  std::optional<int> unknown_link_type_;
};

}  // namespace sixin4::dissect
