// Writes what was seen at a tunnel's end into a pcapng file, or a ring of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>

#include "sixin4/capture/pcapng_blocks.hpp"
#include "sixin4/wire/pcapng.hpp"

namespace sixin4::capture {

/// When a file ends and the next one begins.
struct Rotation {
  std::uint32_t files = 0;  ///< that are kept; 0: all
  std::uint64_t kilobytes =
      0;  ///< of 1000 bytes, that a file has at least when it ends; 0: there is only one
};

/// Throws std::system_error where a file cannot be written.
class CaptureFile {
 public:
  /// `path` is `-` for standard output. With a rotation files are named as dumpcap(1) names them. `started`
  /// is when the first packet may have come.
  CaptureFile(std::string path, CaptureHead head, Rotation rotation, engine::Time started);
  void write(const SeenPacket& packet);
  /// Brings what was written to whoever reads it.
  void flush();
  /// What is written to now; where that is a pipe it is in error once nobody reads it.
  [[nodiscard]] int fd() const noexcept { return ::fileno(file_.get()); }
  /// The next file is to begin.
  [[nodiscard]] bool is_full() const noexcept;
  /// Ends the file with its statistics.
  void finish(const CaptureCounts& inner, const CaptureCounts& outer);
  /// Begins the next file, behind `finish`. The oldest goes where there are more than are kept.
  void begin_next();

 private:
  void begin();

  struct Close {
    void operator()(std::FILE* file) const noexcept;
  };

  std::string path_;
  PcapngBlocks blocks_;
  Rotation rotation_;
  engine::Time started_;
  std::chrono::nanoseconds offset_ = time_of_day_offset();
  std::unique_ptr<std::FILE, Close> file_;
  std::string current_;
  std::deque<std::string> written_;
  std::uint32_t number_ = 0;
  std::uint64_t size_ = 0;       ///< of the current file
  wire::pcapng::Buffer buffer_;  ///< what is not written yet
};

}  // namespace sixin4::capture
