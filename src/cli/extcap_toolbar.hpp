// Wireshark's toolbar of a capture program, while it captures: what a user wishes there (extcap(4)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::cli {

/// What a capture takes.
struct CaptureWishes {
  std::optional<capture::Form> form{};  ///< nothing: both
  bool drops_only = false;
  std::string filter{};  ///< beside the one that it was begun with
};

/// The toolbar's controls, as a capture program describes them beside its interfaces.
[[nodiscard]] const char* describe_toolbar() noexcept;

/// One message on a control pipe. Source: Wireshark Developer's Guide, "Extcap: Control messages".
struct ToolbarMessage {
  std::uint8_t control = 0;
  std::uint8_t command = 0;
  std::string payload{};
};

/// Puts messages together out of what comes through a pipe.
class ToolbarMessages {
 public:
  void add(wire::Bytes bytes);
  /// The next one that is whole. Throws std::runtime_error where no message begins.
  [[nodiscard]] std::optional<ToolbarMessage> next();

 private:
  std::vector<std::uint8_t> waiting_;
};

class ExtcapToolbar {
 public:
  /// The pipes by which Wireshark sends and is sent to; it made them. The toolbar is to show `wishes`. Throws
  /// std::system_error.
  ExtcapToolbar(const std::string& in, const std::string& out, CaptureWishes wishes);

  /// Readable where `read` may have something.
  [[nodiscard]] int fd() const noexcept { return in_.get(); }
  /// Does not wait. Nothing where the wishes are what they were.
  [[nodiscard]] std::optional<CaptureWishes> read();
  /// Shows it to the user.
  void warn(const std::string& message);

 private:
  [[nodiscard]] std::optional<ToolbarMessage> next_message();
  [[nodiscard]] bool take(const ToolbarMessage& message);
  void send(const ToolbarMessage& message);

  base::FileDescriptor in_;
  base::FileDescriptor out_;
  CaptureWishes wishes_;
  ToolbarMessages messages_;
};

}  // namespace sixin4::cli
