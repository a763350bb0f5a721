// The command line by which Wireshark calls a capture program in its extcap folder (extcap(4)). A call that
// captures runs the verb `capture`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sixin4::cli {

struct ExtcapCall {
  /// The question or the task of the call.
  enum class Task : std::uint8_t { interfaces, link_types, configuration, filter_check, capture };

  Task task = Task::interfaces;
  std::string filter{};                ///< capture filter of Wireshark
  std::string second_filter{};         ///< filter of the capture options; must match too
  std::string fifo{};                  ///< path that the capture is written to
  std::string control_in{};            ///< pipe from the toolbar; empty: no toolbar
  std::string control_out{};           ///< pipe to the toolbar
  std::vector<std::string> capture{};  ///< arguments of the verb `capture`
};

/// Whether Wireshark has called the program with these arguments.
[[nodiscard]] bool is_extcap_call(const std::vector<std::string>& arguments);

/// Throws base::ConfigurationError.
[[nodiscard]] ExtcapCall extcap_call_of(const std::vector<std::string>& arguments);

/// Answers on standard output, or captures until Wireshark closes the FIFO. Throws as `run_capture` does.
void run_extcap(const std::vector<std::string>& arguments);

}  // namespace sixin4::cli
