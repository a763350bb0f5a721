// The packets of the flight recorders, for a client and as a file.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/capture/recorder.hpp"

namespace sixin4::tunnel {

/// Shared memory with the packets, for a capture::RingReader. Throws std::system_error if there is no memory.
[[nodiscard]] base::FileDescriptor ring_of(std::span<const capture::Recorded> packets);

/// Writes the packets to `/run/sixin4/INTERFACE-TIME.pcapng`, readable for the owner only, and returns that
/// path. Throws std::system_error.
std::string save_recording(const std::string& interface, std::span<const capture::Recorded> packets);
/// The same in `directory`. Both create the directory if it does not exist, and keep only the last 16 files
/// of the interface.
std::string save_recording(const std::string& interface, std::span<const capture::Recorded> packets,
                           const std::filesystem::path& directory);

}  // namespace sixin4::tunnel
