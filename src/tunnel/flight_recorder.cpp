#include "flight_recorder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/capture/capture_head.hpp"
#include "sixin4/capture/pcapng_blocks.hpp"
#include "sixin4/capture/ring.hpp"
#include "sixin4/capture/ring_memory.hpp"
#include "sixin4/control/control_socket.hpp"

namespace sixin4::tunnel {

namespace {

namespace fs = std::filesystem;

constexpr const char* suffix = ".pcapng";
constexpr std::size_t recordings_kept = 16;  ///< of each interface

/// DIRECTORY/INTERFACE-TIME, without the suffix.
std::string path_now(const std::string& interface, const fs::path& directory) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> time{};
  (void)std::strftime(time.data(), time.size(), "-%Y%m%d%H%M%S", &local);
  return directory / (interface + time.data());
}

struct NewFile {
  std::string path;
  base::FileDescriptor fd;
};

/// Never opens an existing file. A second file within the same second gets a number.
NewFile create(const std::string& stem) {
  for (int number = 1;; ++number) {
    const std::string path = stem + (number == 1 ? "" : '-' + std::to_string(number)) + suffix;
    base::FileDescriptor fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (fd) return {.path = path, .fd = std::move(fd)};
    if (errno != EEXIST) throw base::system_failure("cannot write " + path);
  }
}

/// Whether the name is INTERFACE-TIME or INTERFACE-TIME-NUMBER. A comparison of the beginning is not enough,
/// because the name of another interface may begin with INTERFACE and a hyphen.
bool is_recording_of(const std::string& interface, const std::string& file) {
  if (!file.starts_with(interface + '-') || !file.ends_with(suffix)) return false;
  constexpr std::size_t time_length = 14;
  constexpr std::size_t longest_number = 6;  // shorter than a time
  std::string_view rest{file};
  rest.remove_prefix(interface.size() + 1);
  rest.remove_suffix(std::strlen(suffix));
  constexpr const char* digits = "0123456789";
  if (rest.size() < time_length || rest.find_first_not_of(digits) < time_length) return false;
  rest.remove_prefix(time_length);
  return rest.empty() || (rest.front() == '-' && rest.size() > 1 && rest.size() <= 1 + longest_number &&
                          rest.find_first_not_of(digits, 1) == std::string_view::npos);
}

/// Keeps the last files of the interface, because a service that fails and restarts again and again would
/// otherwise fill the memory of /run. `newest` is kept even if the clock was set back.
void remove_old_ones(const std::string& interface, const fs::path& newest) {
  std::vector<std::pair<fs::file_time_type, fs::path>> others;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{newest.parent_path(), error}) {
    if (entry.path() == newest || !is_recording_of(interface, entry.path().filename())) continue;
    others.emplace_back(entry.last_write_time(error), entry.path());
  }
  if (others.size() < recordings_kept) return;
  std::ranges::sort(others);
  others.resize(others.size() - (recordings_kept - 1));
  for (const auto& [time, old] : others) fs::remove(old, error);
}

void write_all(const base::FileDescriptor& fd, wire::Bytes bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw base::system_failure("cannot write " + path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace

base::FileDescriptor ring_of(std::span<const capture::Recorded> packets) {
  constexpr std::uint32_t most = capture::Recorded::most_bytes;
  capture::RingMemory memory{capture::ring_size_for(packets.size() + 1, most)};
  const auto ring = std::make_unique<capture::RingWriter>(memory.bytes());
  for (const capture::Recorded& packet : packets) {
    const capture::SeenPacket seen = packet.view();
    ring->write(seen, std::span{&seen.bytes, 1}, most);
  }
  ring->publish();
  return memory.take_descriptor();
}

std::string save_recording(const std::string& interface, std::span<const capture::Recorded> packets) {
  return save_recording(interface, packets, fs::path{control::control_path(interface)}.parent_path());
}

std::string save_recording(const std::string& interface, std::span<const capture::Recorded> packets,
                           const fs::path& directory) {
  const auto offset = capture::time_of_day_offset();
  wire::pcapng::Buffer bytes;
  capture::PcapngBlocks blocks{capture::capture_head(interface, {}, capture::Recorded::most_bytes)};
  blocks.begin(bytes);
  std::array<capture::CaptureCounts, 2> counts{};
  for (const capture::Recorded& packet : packets) {
    blocks.add(bytes, packet.view(), offset);
    auto& of_form = counts[static_cast<std::size_t>(packet.seen.form)];
    of_form.received = ++of_form.delivered;
  }
  const engine::Time started = packets.empty() ? engine::Time::clock::now() : packets.front().seen.time;
  blocks.finish(bytes, counts[0], counts[1], started, offset);

  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw std::system_error(error, "cannot make the directory " + directory.string());
  const NewFile file = create(path_now(interface, directory));
  write_all(file.fd, bytes, file.path);
  remove_old_ones(interface, file.path);
  return file.path;
}

}  // namespace sixin4::tunnel
