// The toolbar that Wireshark shows during a capture, and the messages over its pipes (extcap(4)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::cli {

/// The selection of packets that the toolbar can change.
struct CaptureSelection {
  std::optional<capture::Form> form{};  ///< nothing: both
  bool drops_only = false;
  std::string filter{};  ///< in addition to the capture filter
};

/// The controls of the toolbar, in the language of extcap(4).
[[nodiscard]] const char* describe_toolbar() noexcept;

/// One message on a control pipe. Source: Wireshark Developer's Guide, "Extcap: Control messages".
struct ToolbarMessage {
  std::uint8_t control = 0;
  std::uint8_t command = 0;
  std::string payload{};
};

/// Assembles messages from the bytes of a pipe.
class ToolbarMessages {
 public:
  void add(wire::Bytes bytes);
  /// The next complete message. Throws std::runtime_error if the bytes do not begin a message.
  [[nodiscard]] std::optional<ToolbarMessage> next();

 private:
  std::vector<std::uint8_t> waiting_;
};

class ExtcapToolbar {
 public:
  /// Opens the pipe `in` from Wireshark and the pipe `out` to it. Wireshark has made both. The toolbar will
  /// show `selection`. Throws std::system_error.
  ExtcapToolbar(const std::string& in, const std::string& out, CaptureSelection selection);

  /// Readable when `read` may have a change.
  [[nodiscard]] int fd() const noexcept { return in_.get(); }
  /// Returns the selection if the user has changed it. Does not wait.
  [[nodiscard]] std::optional<CaptureSelection> read();
  /// Shows a warning to the user.
  void warn(const std::string& message);

 private:
  [[nodiscard]] std::optional<ToolbarMessage> next_message();
  [[nodiscard]] bool take(const ToolbarMessage& message);
  void send(const ToolbarMessage& message);

  base::FileDescriptor in_;
  base::FileDescriptor out_;
  CaptureSelection selection_;
  ToolbarMessages messages_;
};

}  // namespace sixin4::cli
