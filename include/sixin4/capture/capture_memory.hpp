// Limits of the memory that the captures of an endpoint may use.
#pragma once

#include <cstddef>

namespace sixin4::capture {

/// Limit for all captures of an endpoint together, so that captures do not exhaust the memory of the host.
inline constexpr std::size_t most_capture_memory = std::size_t{512} << 20U;
/// Largest ring of one thread. 3 Gb/s fill it, with both forms of each packet, between two reads of the
/// capturing program.
inline constexpr std::size_t largest_ring = std::size_t{16} << 20U;
/// Smallest ring of one thread. It holds both forms of two packets of 64 KiB. A smaller ring would miss most
/// of a burst.
inline constexpr std::size_t smallest_ring = std::size_t{256} << 10U;

/// Returns the size in bytes of each ring of a new capture that has `rings` rings, while the existing
/// captures use `in_use` bytes. A capture takes at most a quarter of the remaining memory, so that others can
/// follow: with one queue there is room for the 24 captures that the control socket serves, with 64 queues
/// for 5. Throws std::runtime_error
/// if the rings would be smaller than `smallest_ring`.
[[nodiscard]] std::size_t ring_size(std::size_t rings, std::size_t in_use);

}  // namespace sixin4::capture
