// Packets as a pcapng file, or on standard output.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sixin4/wire/pcapng.hpp"

namespace sixin4::capture {

/// Whatever it throws, but for `append`, is a std::system_error: the file cannot be written.
class PcapngOutput {
 public:
  /// `path` is `-` for standard output. The interfaces are of link type RAW.
  PcapngOutput(std::string path, const std::vector<std::string>& interfaces);

  void append(const wire::pcapng::Packet& packet) { wire::pcapng::append_packet(buffer_, packet); }
  /// Call it between packets, so that they do not pile up.
  void flush_if_full();
  /// Brings what was written to whoever reads it.
  void flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept;
  };

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  wire::pcapng::Buffer buffer_;  ///< what is not written yet
};

}  // namespace sixin4::capture
