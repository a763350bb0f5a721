// Reads capture files: pcap by libpcap, and pcapng by the parser of the room `wire`, because libpcap refuses
// files whose interfaces differ.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

struct CapturedFrame {
  int link_type = 0;                ///< as libpcap numbers them (DLT_…); sixin4 may not know it
  std::chrono::nanoseconds time{};  ///< since 1970; 0 where the file has none
  wire::Bytes bytes{};              ///< what the capture has kept of it; valid until the next one is read
  std::size_t length = 0;           ///< that it had
};

/// One file from its beginning to its end, a frame at a time.
class CaptureReader {
 public:
  /// `path` is `-` for standard input. Throws std::invalid_argument where there is no such file, or it is no
  /// capture, or a pcap file of a link type that sixin4 does not know; std::system_error where the system
  /// refuses.
  explicit CaptureReader(std::string path);
  ~CaptureReader();
  CaptureReader(CaptureReader&& other) noexcept;
  CaptureReader& operator=(CaptureReader&& other) noexcept;
  CaptureReader(const CaptureReader&) = delete;
  CaptureReader& operator=(const CaptureReader&) = delete;

  /// Nothing at the end of the file. Throws std::runtime_error where the file is damaged from here on.
  [[nodiscard]] std::optional<CapturedFrame> next();

  /// Bytes of the file; nothing where it is no regular file.
  [[nodiscard]] std::optional<std::uint64_t> size() const noexcept { return size_; }
  /// How many of them have been read.
  [[nodiscard]] std::uint64_t position() const noexcept;

 private:
  struct Handle;

  void begin();
  void begin_pcap();
  [[nodiscard]] std::optional<CapturedFrame> next_of_pcap();
  [[nodiscard]] std::optional<CapturedFrame> next_of_pcapng();
  std::string path_;
  std::optional<std::uint64_t> size_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace sixin4::dissect
