#include "sixin4/capture/capture_memory.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace sixin4::capture {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t divisor_of_remaining = 4;

std::string in_mebibytes(std::size_t bytes) {
  return std::to_string((bytes + (std::size_t{1} << 20U) - 1) >> 20U) + " MiB";
}

}  // namespace

std::size_t ring_size(std::size_t rings, std::size_t in_use) {
  const std::size_t remaining = most_capture_memory - std::min(in_use, most_capture_memory);
  const std::size_t size = std::min(remaining / divisor_of_remaining / rings / page * page, largest_ring);
  if (size >= smallest_ring) return size;
  throw std::runtime_error("captures use " + in_mebibytes(in_use) + " of the " +
                           in_mebibytes(most_capture_memory) +
                           " of memory that they may use, and a capture of " + std::to_string(rings) +
                           " threads does not fit; end another capture, or set fewer 'queues'");
}

}  // namespace sixin4::capture
