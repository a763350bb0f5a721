// Packets as a pcapng file, or on standard output.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sixin4/wire/pcapng.hpp"

namespace sixin4 {

/// Whatever it throws is a std::system_error: the file cannot be written.
class PcapngOutput {
 public:
  /// `path` is `-` for standard output. The interfaces are of link type RAW.
  PcapngOutput(std::string path, const std::vector<std::string>& interfaces);

  void write(const wire::pcapng::Packet& packet);
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

/// Throws control::ConfigurationError where writing `output` would destroy `input` before it is read.
void refuse_same_file(const std::string& input, const std::string& output);

}  // namespace sixin4
