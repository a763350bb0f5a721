// The bytes of a capture file or pipe in a buffer. A reader can look at bytes before it takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

/// A read returns as many bytes as the file or pipe has ready. The stream reads again only if these are too
/// few, so that a packet in a pipe is handed over at once.
class CaptureStream {
 public:
  /// Takes ownership of `fd`, except of standard input.
  explicit CaptureStream(int fd) : fd_(fd), buffer_(read_size) {}
  ~CaptureStream();
  CaptureStream(CaptureStream&&) = delete;
  CaptureStream& operator=(CaptureStream&&) = delete;
  CaptureStream(const CaptureStream&) = delete;
  CaptureStream& operator=(const CaptureStream&) = delete;

  /// Reads until at least `count` bytes are available. Returns false if the file ends earlier or read(2)
  /// fails. Memory grows with the bytes that were read and not with `count`, because `count` comes from the
  /// file and may be wrong.
  [[nodiscard]] bool fill(std::size_t count);
  /// The bytes that were read and not taken. Valid until the next call that reads.
  [[nodiscard]] wire::Bytes available() const noexcept {
    return std::span{buffer_}.subspan(begin_, end_ - begin_);
  }
  /// Takes `count` of the available bytes.
  void take(std::size_t count) noexcept { begin_ += count; }
  /// Takes `count` bytes, and reads them if necessary. Returns false like `fill`.
  [[nodiscard]] bool skip(std::uint64_t count);

  /// The errno of a failed read(2); 0: no read has failed.
  [[nodiscard]] int error() const noexcept { return error_; }
  /// Number of bytes that were read from the file.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  struct Close {
    void operator()(std::FILE* file) const noexcept {
      (void)std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory): this is the owner's deleter
    }
  };
  /// Returns a FILE that reads from the first byte that has not been taken. The stream must outlive it.
  /// Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<std::FILE, Close> open();

 private:
  static constexpr std::size_t read_size = std::size_t{64} << 10U;

  [[nodiscard]] std::ptrdiff_t read(wire::MutableBytes to) noexcept;
  [[nodiscard]] bool read_more() noexcept;

  int fd_;
  int error_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  ///< of the available bytes
  std::size_t end_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace sixin4::dissect
