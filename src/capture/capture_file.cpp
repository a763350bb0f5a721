#include "sixin4/capture/capture_file.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::capture {

namespace {

constexpr std::size_t buffer_size = 1 << 16;
// Clocks that run a little faster or slower are no reason for times that jump.
constexpr std::chrono::microseconds tolerance{100};

[[noreturn]] void refuse(const std::string& path) {
  throw base::system_failure("cannot write " + (path == "-" ? std::string{"to standard output"} : path));
}

/// `base_00001_20260102030405.ext`, as dumpcap(1) has it.
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

void CaptureFile::Close::operator()(std::FILE* file) const noexcept {
  if (file != stdout) (void)std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory)
}

CaptureFile::CaptureFile(std::string path, CaptureHead head, Rotation rotation, engine::Time started)
    : path_(std::move(path)), blocks_(std::move(head)), rotation_(rotation), started_(started) {
  begin();
}

void CaptureFile::begin() {
  current_ = rotation_.kilobytes == 0 ? path_ : numbered(path_, ++number_);
  file_.reset(current_ == "-" ? stdout : std::fopen(current_.c_str(), "wbe"));
  // Unbuffered: there is a buffer here, and what a reader that has gone away did not take is not tried again.
  if (!file_ || std::setvbuf(file_.get(), nullptr, _IONBF, 0) != 0) refuse(current_);
  written_.push_back(current_);
  size_ = 0;
  blocks_.begin(buffer_);
  flush();
}

void CaptureFile::write(const SeenPacket& packet) {
  blocks_.add(buffer_, packet, offset_);
  if (buffer_.size() >= buffer_size) flush();
}

void CaptureFile::flush() {
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) refuse(current_);
  size_ += buffer_.size();
  buffer_.clear();
  const std::chrono::nanoseconds offset = time_of_day_offset();
  if (std::chrono::abs(offset - offset_) > tolerance) offset_ = offset;
}

bool CaptureFile::is_full() const noexcept {
  constexpr std::uint64_t kilobyte = 1000;
  return rotation_.kilobytes != 0 && size_ + buffer_.size() >= rotation_.kilobytes * kilobyte;
}

void CaptureFile::finish(const CaptureCounts& inner, const CaptureCounts& outer) {
  blocks_.finish(buffer_, inner, outer, started_, offset_);
  flush();
}

void CaptureFile::begin_next() {
  begin();
  while (rotation_.files != 0 && written_.size() > rotation_.files) {
    std::error_code gone_already;
    std::filesystem::remove(written_.front(), gone_already);
    written_.pop_front();
  }
}

}  // namespace sixin4::capture
