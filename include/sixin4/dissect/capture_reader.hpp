// Reads capture files: pcap with libpcap, pcapng with the parser of the room `wire`, because libpcap does not
// read files whose interfaces differ in link type or snapshot length.
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
  int link_type = 0;                ///< in libpcap's numbers (DLT_…); may be unknown to sixin4
  std::chrono::nanoseconds time{};  ///< since 1970; 0 if the file has none
  wire::Bytes bytes{};              ///< the captured bytes; valid until the next call of `next`
  std::size_t length = 0;           ///< of the frame on the wire
};

/// Reads one file from its beginning to its end, a frame at a time.
class CaptureReader {
 public:
  /// `path` is `-` for standard input. Throws std::invalid_argument if the file does not exist, is no
  /// capture, cannot be read, or is a pcap file of a link type that sixin4 does not know. Throws
  /// std::system_error if the file exists and cannot be opened.
  explicit CaptureReader(std::string path);
  ~CaptureReader();
  CaptureReader(CaptureReader&&) = delete;
  CaptureReader& operator=(CaptureReader&&) = delete;
  CaptureReader(const CaptureReader&) = delete;
  CaptureReader& operator=(const CaptureReader&) = delete;

  /// Returns nothing at the end of the file. Throws std::runtime_error if the next frame cannot be read.
  [[nodiscard]] std::optional<CapturedFrame> next();

  /// Size of the file in bytes; nothing if it is not a regular file.
  [[nodiscard]] std::optional<std::uint64_t> size() const noexcept { return size_; }
  /// Number of bytes that have been read.
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
