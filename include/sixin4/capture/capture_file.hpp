// Writes captured packets to a pcapng file, or to a sequence of files of limited size.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "sixin4/capture/pcapng_blocks.hpp"
#include "sixin4/capture/pcapng_file.hpp"

namespace sixin4::capture {

/// When a file ends and the next one begins.
struct Rotation {
  std::uint32_t files = 0;      ///< number of files to keep; 0: all
  std::uint64_t kilobytes = 0;  ///< of 1000 bytes: a file ends once it has this size; 0: there is one file
};

/// Throws std::system_error if a file cannot be written.
class CaptureFile {
 public:
  /// `path` is `-` for standard output. With a rotation the files are named as dumpcap(1) names them.
  /// `started` is the earliest time that a packet can have.
  CaptureFile(std::string path, CaptureHead head, Rotation rotation, engine::Time started);
  void write(const SeenPacket& packet);
  /// Writes the buffered packets to the file.
  void flush();
  /// The descriptor of the current file. poll(2) reports an error on a pipe whose reader has gone away.
  [[nodiscard]] int fd() const noexcept { return file_.fd(); }
  /// The current file has the size of the rotation: call `finish`, then `begin_next`.
  [[nodiscard]] bool is_full() const noexcept;
  /// Ends the current file with its statistics blocks.
  void finish(const CaptureCounts& inner, const CaptureCounts& outer);
  /// Begins the next file of the rotation, and deletes the oldest file if there are more than it keeps.
  void begin_next();

 private:
  [[nodiscard]] std::string next_path();
  void begin();

  std::string path_;
  PcapngBlocks blocks_;
  Rotation rotation_;
  engine::Time started_;
  std::chrono::nanoseconds offset_ = time_of_day_offset();
  std::uint32_t number_ = 0;  ///< of the current file
  PcapngFile file_;
  std::deque<std::string> existing_;  ///< paths of the files of this capture, the oldest first
};

}  // namespace sixin4::capture
