// How much memory the captures of an endpoint may have.
#pragma once

#include <cstddef>

namespace sixin4::capture {

/// All captures together. They are tools for looking: what they take must not be what the host runs short of.
inline constexpr std::size_t most_capture_memory = std::size_t{512} << 20U;
/// Of one thread: between two looks of a capturing program 3 Gb/s fill it, in both forms.
inline constexpr std::size_t largest_ring = std::size_t{16} << 20U;
/// Both forms of two packets of 64 KiB fit. A smaller ring would miss most of a burst.
inline constexpr std::size_t smallest_ring = std::size_t{256} << 10U;

/// The size of each ring of another capture, which has so many rings, while the captures that there are have
/// `in_use` bytes. It takes a quarter of what is left at most, so that others can follow it: with one queue
/// these are 24, with 64 queues 5. Throws std::runtime_error where that is less than the smallest rings.
[[nodiscard]] std::size_t ring_size(std::size_t rings, std::size_t in_use);

}  // namespace sixin4::capture
