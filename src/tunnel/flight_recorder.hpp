// What the flight recorders have: for a program that asks, and as a file.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/capture/recorder.hpp"

namespace sixin4::tunnel {

/// Memory for a capture::RingReader. Throws std::system_error where there is none.
[[nodiscard]] base::FileDescriptor ring_of(std::span<const capture::Recorded> packets);

/// Writes them to `/run/sixin4/INTERFACE-TIME.pcapng`, which nobody else may read, and returns that path.
/// Throws std::system_error.
std::string save_recording(const std::string& interface, std::span<const capture::Recorded> packets);
/// The same in another directory, which is made where there is none. The last 16 of an interface stay.
std::string save_recording(const std::string& interface, std::span<const capture::Recorded> packets,
                           const std::filesystem::path& directory);

}  // namespace sixin4::tunnel
