// A pcapng file that is open for writing. Blocks are gathered in a buffer and written together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sixin4/wire/pcapng.hpp"

namespace sixin4::capture {

/// The constructor and `flush` throw std::system_error if the file cannot be written. The destructor does not
/// write the buffer.
class PcapngFile {
 public:
  /// `path` is `-` for standard output. An existing file is overwritten.
  explicit PcapngFile(std::string path);

  /// Append blocks here with the functions of `wire::pcapng`.
  [[nodiscard]] wire::pcapng::Buffer& buffer() noexcept { return buffer_; }
  /// The buffer is so large that it should be written now.
  [[nodiscard]] bool has_full_buffer() const noexcept;
  /// Writes the buffer to the file.
  void flush();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int fd() const noexcept { return ::fileno(file_.get()); }
  /// In bytes, the buffer included.
  [[nodiscard]] std::uint64_t size() const noexcept { return written_ + buffer_.size(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept;
  };

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  wire::pcapng::Buffer buffer_;
  std::uint64_t written_ = 0;
};

/// Opens a file and begins a section in its buffer. The interfaces have these names and link type RAW.
[[nodiscard]] PcapngFile open_pcapng_file(std::string path, const std::vector<std::string>& interfaces);

}  // namespace sixin4::capture
