// The bytes of a capture file or pipe, which can be looked at before they are taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

/// Reads what is there, and waits for more only where that is too little.
class CaptureStream {
 public:
  /// Owns `fd`, but for standard input.
  explicit CaptureStream(int fd) : fd_(fd), buffer_(read_size) {}
  ~CaptureStream();
  CaptureStream(CaptureStream&&) = delete;
  CaptureStream& operator=(CaptureStream&&) = delete;
  CaptureStream(const CaptureStream&) = delete;
  CaptureStream& operator=(const CaptureStream&) = delete;

  /// Reads until `count` bytes are there. False where the file ends before, or the system refuses. Memory
  /// grows with the bytes that have come and not with `count`, which may be a lie.
  [[nodiscard]] bool fill(std::size_t count);
  /// Valid until the next call that reads.
  [[nodiscard]] wire::Bytes there() const noexcept {
    return std::span{buffer_}.subspan(begin_, end_ - begin_);
  }
  /// `count` is no more than there is.
  void take(std::size_t count) noexcept { begin_ += count; }
  /// Takes `count` bytes whether they are there already or not. False as with `fill`.
  [[nodiscard]] bool skip(std::uint64_t count);

  /// The errno of the read that the system has refused; 0: none.
  [[nodiscard]] int error() const noexcept { return error_; }
  /// Bytes that have been read.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  struct Close {
    void operator()(std::FILE* file) const noexcept {
      (void)std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory): this is the owner's deleter
    }
  };
  /// For stdio, from the first byte that has not been taken. The stream outlives it. Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<std::FILE, Close> open();

 private:
  static constexpr std::size_t read_size = std::size_t{64} << 10U;

  [[nodiscard]] std::ptrdiff_t read(wire::MutableBytes to) noexcept;
  [[nodiscard]] bool read_more() noexcept;

  int fd_;
  int error_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  ///< of what has not been taken
  std::size_t end_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace sixin4::dissect
