// The options of the verbs `capture` and `recorder`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sixin4/capture/capture_file.hpp"
#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/engine/packet.hpp"

namespace sixin4::cli {

struct CapturePlan {
  std::string control_path;
  std::string file;  ///< empty: lines on standard output; `-`: pcapng on standard output
  capture::Rotation rotation{};
  std::optional<capture::Form> form{};           ///< nothing: both
  std::optional<engine::Direction> direction{};  ///< nothing: both directions
  bool drops_only = false;
  bool quiet = false;                  ///< only errors on standard error
  std::uint32_t snap_length = 262144;  ///< kept bytes of a packet; tcpdump's default keeps all packets whole
  std::optional<std::uint64_t> count{};   ///< packets to take; the forms of a packet count once
  std::vector<std::string> expression{};  ///< words of the filter
  bool may_begin_with_name = false;  ///< `--control` names the endpoint, so the first word may be its NAME
  std::string second_filter{};       ///< must match too, in the same form or in another one
};

/// Reads the arguments of `capture`. Throws base::ConfigurationError.
[[nodiscard]] CapturePlan capture_plan_of(const std::vector<std::string>& arguments);
/// Reads the arguments of `recorder`. Throws base::ConfigurationError.
[[nodiscard]] CapturePlan recorder_plan_of(const std::vector<std::string>& arguments);

/// The filter expression. `interface` is the name of the endpoint's interface. If the words may begin with
/// NAME, a first word equal to `interface` is left out.
[[nodiscard]] std::string filter_of(const CapturePlan& plan, const std::string& interface);

[[nodiscard]] std::string describe_capture_options();
[[nodiscard]] std::string describe_recorder_options();

}  // namespace sixin4::cli
