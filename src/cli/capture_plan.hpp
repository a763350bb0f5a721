// What a capture is to take, as the command line says it.
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
  std::string file;  ///< empty: a line a packet on standard output; `-`: pcapng there
  capture::Rotation rotation{};
  std::optional<capture::Form> form{};           ///< nothing: both
  std::optional<engine::Direction> direction{};  ///< nothing: both directions
  bool drops_only = false;
  bool quiet = false;                     ///< nothing on standard error but mistakes
  std::uint32_t snap_length = 262144;     ///< tcpdump's default, which is more than any packet has
  std::optional<std::uint64_t> count{};   ///< of packets, each in all its forms
  std::vector<std::string> expression{};  ///< words of the filter
  bool may_begin_with_name = false;       ///< the endpoint's, because the path of its socket was given
  std::string second_filter{};            ///< has to match as well, in whatever form
};

/// Of the verb `capture`. Throws base::ConfigurationError.
[[nodiscard]] CapturePlan capture_plan_of(const std::vector<std::string>& arguments);
/// Of the verb `recorder`, the same.
[[nodiscard]] CapturePlan recorder_plan_of(const std::vector<std::string>& arguments);

/// The filter, once it is known whose endpoint it is.
[[nodiscard]] std::string filter_of(const CapturePlan& plan, const std::string& interface);

[[nodiscard]] std::string describe_capture_options();
[[nodiscard]] std::string describe_recorder_options();

}  // namespace sixin4::cli
