// Memory of a capture's ring, which the endpoint makes and the capturing program maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::capture {

/// Zeroed pages, which are all there from the beginning: whoever writes to them waits for none, and does not
/// find that there are no more.
class RingMemory {
 public:
  /// Nobody can change its size, so that whoever has the descriptor cannot take pages away from under us.
  /// Throws std::system_error.
  explicit RingMemory(std::size_t size);
  /// Maps what another program has made. Throws std::system_error.
  explicit RingMemory(base::FileDescriptor made);
  ~RingMemory();
  RingMemory(RingMemory&& other) noexcept;
  RingMemory& operator=(RingMemory&&) = delete;
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;

  /// To give away. The memory stays mapped without it.
  [[nodiscard]] base::FileDescriptor take_descriptor() noexcept;
  [[nodiscard]] std::span<std::uint8_t> bytes() const noexcept { return bytes_; }

 private:
  void map(std::size_t size);

  base::FileDescriptor fd_;
  std::span<std::uint8_t> bytes_;
};

}  // namespace sixin4::capture
