#include "sixin4/capture/capture_file.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sixin4::capture {

namespace {

// The time of day is read from the engine's clock and an offset. Clocks drift: a change of the offset up to
// this size is ignored, so that the time stamps do not jump.
constexpr std::chrono::microseconds offset_tolerance{100};

/// `base_00001_20260102030405.ext`, as dumpcap(1) names it.
std::string numbered(const std::string& path, std::uint32_t number) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> text{};
  const auto length = static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "_%05u_", number));
  (void)std::strftime(text.data() + length, text.size() - length, "%Y%m%d%H%M%S", &local);
  const std::filesystem::path file{path};
  return file.parent_path() / (file.stem().string() + text.data() + file.extension().string());
}

}  // namespace

CaptureFile::CaptureFile(std::string path, CaptureHead head, Rotation rotation, engine::Time started)
    : path_(std::move(path)),
      blocks_(std::move(head)),
      rotation_(rotation),
      started_(started),
      file_(next_path()) {
  begin();
}

std::string CaptureFile::next_path() {
  return rotation_.kilobytes == 0 ? path_ : numbered(path_, ++number_);
}

void CaptureFile::begin() {
  existing_.push_back(file_.path());
  blocks_.begin(file_.buffer());
  flush();
}

void CaptureFile::write(const SeenPacket& packet) {
  blocks_.add(file_.buffer(), packet, offset_);
  if (file_.has_full_buffer()) flush();
}

void CaptureFile::flush() {
  file_.flush();
  const std::chrono::nanoseconds offset = time_of_day_offset();
  if (std::chrono::abs(offset - offset_) > offset_tolerance) offset_ = offset;
}

bool CaptureFile::is_full() const noexcept {
  constexpr std::uint64_t kilobyte = 1000;
  return rotation_.kilobytes != 0 && file_.size() >= rotation_.kilobytes * kilobyte;
}

void CaptureFile::finish(const CaptureCounts& inner, const CaptureCounts& outer) {
  blocks_.finish(file_.buffer(), inner, outer, started_, offset_);
  flush();
}

void CaptureFile::begin_next() {
  file_ = PcapngFile{next_path()};
  begin();
  while (rotation_.files != 0 && existing_.size() > rotation_.files) {
    std::error_code already_deleted;
    std::filesystem::remove(existing_.front(), already_deleted);
    existing_.pop_front();
  }
}

}  // namespace sixin4::capture
