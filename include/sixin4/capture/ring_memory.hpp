// Shared memory for the ring of a capture. The endpoint makes it, the capturing program maps it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::capture {

/// Zeroed pages that are all allocated at the beginning, so that a write never waits for a page and never
/// fails for lack of memory.
class RingMemory {
 public:
  /// Makes memory of `size` bytes. The size is sealed: a program that has the descriptor cannot remove pages
  /// that are in use here. Throws std::system_error.
  explicit RingMemory(std::size_t size);
  /// Maps memory that another program has made. Throws std::system_error.
  explicit RingMemory(base::FileDescriptor descriptor);
  ~RingMemory();
  RingMemory(RingMemory&& other) noexcept;
  RingMemory& operator=(RingMemory&&) = delete;
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;

  /// Moves the descriptor to the caller. The memory stays mapped.
  [[nodiscard]] base::FileDescriptor take_descriptor() noexcept;
  [[nodiscard]] std::span<std::uint8_t> bytes() const noexcept { return bytes_; }

 private:
  void map(std::size_t size);

  base::FileDescriptor fd_;
  std::span<std::uint8_t> bytes_;
};

}  // namespace sixin4::capture
