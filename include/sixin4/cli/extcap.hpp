// The program as Wireshark calls a capture program of its extcap folder (extcap(4)): another command line for
// the verb `capture`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sixin4::cli {

struct ExtcapCall {
  /// What Wireshark wants to know, or done.
  enum class Wish : std::uint8_t { interfaces, link_types, configuration, filter_check, capture };

  Wish wish = Wish::interfaces;
  std::string filter{};         ///< Wireshark's own
  std::string second_filter{};  ///< the configuration's, which has to match as well
  std::string fifo{};           ///< that the capture is written to
  std::string control_in{};     ///< pipes of the toolbar; empty where it has none
  std::string control_out{};
  std::vector<std::string> capture{};  ///< the verb's arguments
};

/// Whether these are the program's arguments where Wireshark has called it.
[[nodiscard]] bool is_extcap_call(const std::vector<std::string>& arguments);

/// Throws base::ConfigurationError.
[[nodiscard]] ExtcapCall extcap_call_of(const std::vector<std::string>& arguments);

/// Answers on standard output, or captures until Wireshark has enough. Throws what `run_capture` throws.
void run_extcap(const std::vector<std::string>& arguments);

}  // namespace sixin4::cli
