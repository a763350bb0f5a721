#include "capture_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

#include <unistd.h>

namespace sixin4::dissect {

CaptureStream::~CaptureStream() {
  if (fd_ != STDIN_FILENO) (void)::close(fd_);
}

bool CaptureStream::fill(std::size_t count) {
  if (end_ - begin_ >= count) return true;
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  while (end_ < count) {
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    if (!read_more()) return false;
  }
  return true;
}

bool CaptureStream::skip(std::uint64_t count) {
  while (count > end_ - begin_) {
    count -= end_ - begin_;
    begin_ = end_ = 0;
    if (!read_more()) return false;
  }
  begin_ += static_cast<std::size_t>(count);
  return true;
}

/// Appends to the buffer, which must have room. Returns false at the end of the file and if read(2) fails.
bool CaptureStream::read_more() noexcept {
  const std::ptrdiff_t count = read(std::span{buffer_}.subspan(end_));
  if (count > 0) end_ += static_cast<std::size_t>(count);
  return count > 0;
}

std::ptrdiff_t CaptureStream::read(wire::MutableBytes to) noexcept {
  ssize_t count = 0;
  do count = ::read(fd_, to.data(), to.size());
  while (count < 0 && errno == EINTR);
  if (count < 0) error_ = errno;
  if (count > 0) position_ += static_cast<std::uint64_t>(count);
  return count;
}

std::unique_ptr<std::FILE, CaptureStream::Close> CaptureStream::open() {
  const auto read_cookie = [](void* cookie, char* to, std::size_t size) -> ssize_t {
    CaptureStream& stream = *static_cast<CaptureStream*>(cookie);
    const wire::MutableBytes room{reinterpret_cast<std::uint8_t*>(to), size};
    if (stream.available().empty()) return stream.read(room);
    const wire::Bytes ready = stream.available().first(std::min(size, stream.available().size()));
    wire::copy(ready, room);
    stream.take(ready.size());
    return static_cast<ssize_t>(ready.size());
  };
  std::unique_ptr<std::FILE, Close> file{
      ::fopencookie(this, "r", {.read = read_cookie, .write = nullptr, .seek = nullptr, .close = nullptr})};
  if (!file) throw std::bad_alloc{};
  (void)std::setvbuf(file.get(), nullptr, _IOFBF, read_size);
  return file;
}

}  // namespace sixin4::dissect
