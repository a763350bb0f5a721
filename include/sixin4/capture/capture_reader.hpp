// Reads capture files, pcap and pcapng, by libpcap.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::capture {

/// A frame of the file's link type.
struct CapturedFrame {
  std::chrono::nanoseconds time{};  ///< since 1970
  wire::Bytes bytes{};              ///< what the capture has kept of it; valid until the next one is read
  std::size_t length = 0;           ///< that it had
};

/// One file from its beginning to its end, a frame at a time.
class CaptureReader {
 public:
  /// `path` is `-` for standard input. Throws std::invalid_argument where there is no such file, or it is no
  /// capture of a link type that sixin4 knows; std::system_error where the system refuses.
  explicit CaptureReader(std::string path);
  ~CaptureReader();
  CaptureReader(CaptureReader&& other) noexcept;
  CaptureReader& operator=(CaptureReader&& other) noexcept;
  CaptureReader(const CaptureReader&) = delete;
  CaptureReader& operator=(const CaptureReader&) = delete;

  /// Nothing at the end of the file. Throws std::runtime_error where the file is damaged from here on.
  [[nodiscard]] std::optional<CapturedFrame> next();

  /// As libpcap numbers them (DLT_…).
  [[nodiscard]] int link_type() const noexcept;
  /// Bytes of the file; nothing where it is no regular file.
  [[nodiscard]] std::optional<std::uint64_t> size() const noexcept { return size_; }
  /// How many of them have been read.
  [[nodiscard]] std::uint64_t position() const noexcept;

 private:
  struct Handle;
  std::string path_;
  std::optional<std::uint64_t> size_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace sixin4::capture
