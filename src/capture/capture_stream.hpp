// A capture file as libpcap is to see it.
//
// In a pcapng file libpcap takes several interfaces of one link type only, and up to 1.10 compares the number
// in the file with its own: of RAW (101 and 12) it refuses every second interface, and with it every capture
// of sixin4's own. Its own number stands for the same there, so that is what it gets for all interfaces but
// the first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::capture {

/// Reads what is there, and waits for more only where there is nothing.
class CaptureStream {
 public:
  /// Owns `fd`, but for standard input.
  explicit CaptureStream(int fd) noexcept : fd_(fd) {}
  ~CaptureStream();
  CaptureStream(CaptureStream&&) = delete;
  CaptureStream& operator=(CaptureStream&&) = delete;
  CaptureStream(const CaptureStream&) = delete;
  CaptureStream& operator=(const CaptureStream&) = delete;

  /// Returns how many bytes; 0 at the end, -1 with errno where the system refuses.
  [[nodiscard]] std::ptrdiff_t read(wire::MutableBytes buffer) noexcept;
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  struct Close {
    void operator()(std::FILE* file) const noexcept {
      (void)std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory): this is the owner's deleter
    }
  };
  /// For stdio. The stream outlives it. Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<std::FILE, Close> open();

 private:
  static constexpr std::size_t head_size = 12;  ///< type and length of a block, and what a link type is in

  [[nodiscard]] std::ptrdiff_t read_piece(wire::MutableBytes buffer) noexcept;
  [[nodiscard]] std::ptrdiff_t read_some(wire::MutableBytes buffer) noexcept;
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_end_ - buffer_begin_; }
  [[nodiscard]] bool read_head() noexcept;
  void take_head() noexcept;

  int fd_;
  std::array<std::uint8_t, std::size_t{64} << 10U> buffer_{};
  std::size_t buffer_begin_ = 0;  ///< what of the buffer is still to be handed over
  std::size_t buffer_end_ = 0;
  std::uint64_t position_ = 0;
  bool plain_ = false;  ///< no pcapng, or no more
  bool begun_ = false;
  bool big_endian_ = false;
  std::optional<std::uint16_t> first_link_type_{};
  std::array<std::uint8_t, head_size> head_{};
  std::size_t head_begin_ = 0;  ///< what of the head is still to be handed over
  std::size_t head_end_ = 0;
  std::uint64_t rest_of_block_ = 0;
};

}  // namespace sixin4::capture
