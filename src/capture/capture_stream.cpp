#include "capture_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include <unistd.h>

namespace sixin4::capture {

namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a;  // the same in both byte orders
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr std::uint16_t raw = 101;
constexpr std::uint16_t raw_of_libpcap = 12;

ssize_t read_cookie(void* cookie, char* buffer, std::size_t size) {
  return static_cast<CaptureStream*>(cookie)->read({reinterpret_cast<std::uint8_t*>(buffer), size});
}

}  // namespace

CaptureStream::~CaptureStream() {
  if (fd_ != STDIN_FILENO) (void)::close(fd_);
}

std::unique_ptr<std::FILE, CaptureStream::Close> CaptureStream::open() {
  std::unique_ptr<std::FILE, Close> file{
      ::fopencookie(this, "r", {.read = read_cookie, .write = nullptr, .seek = nullptr, .close = nullptr})};
  if (!file) throw std::bad_alloc{};
  constexpr std::size_t buffer_size = std::size_t{64} << 10U;
  (void)std::setvbuf(file.get(), nullptr, _IOFBF, buffer_size);
  return file;
}

std::ptrdiff_t CaptureStream::read(wire::MutableBytes buffer) noexcept {
  std::size_t done = 0;
  do {
    const std::ptrdiff_t count = read_piece(buffer.subspan(done));
    if (count <= 0) return done == 0 ? count : static_cast<std::ptrdiff_t>(done);
    done += static_cast<std::size_t>(count);
    // Less than a head in the buffer may be the part of one that has come so far.
  } while (done < buffer.size() && buffered() >= head_size);
  return static_cast<std::ptrdiff_t>(done);
}

/// Of one block, at most.
std::ptrdiff_t CaptureStream::read_piece(wire::MutableBytes buffer) noexcept {
  if (!plain_ && head_begin_ == head_end_ && rest_of_block_ == 0) {
    if (!read_head()) return -1;
    take_head();
  }
  if (head_begin_ != head_end_) {
    const std::size_t count = std::min(buffer.size(), head_end_ - head_begin_);
    wire::copy(std::span{head_}.subspan(head_begin_, count), buffer);
    head_begin_ += count;
    return static_cast<std::ptrdiff_t>(count);
  }
  if (plain_) return read_some(buffer);
  const std::ptrdiff_t count =
      read_some(buffer.first(std::min<std::uint64_t>(buffer.size(), rest_of_block_)));
  if (count > 0) rest_of_block_ -= static_cast<std::uint64_t>(count);
  return count;
}

std::ptrdiff_t CaptureStream::read_some(wire::MutableBytes buffer) noexcept {
  if (buffered() == 0) {
    ssize_t count = 0;
    do count = ::read(fd_, buffer_.data(), buffer_.size());
    while (count < 0 && errno == EINTR);
    if (count <= 0) return count;
    buffer_begin_ = 0;
    buffer_end_ = static_cast<std::size_t>(count);
  }
  const std::size_t count = std::min(buffer.size(), buffered());
  wire::copy(std::span{buffer_}.subspan(buffer_begin_, count), buffer);
  buffer_begin_ += count;
  position_ += count;
  return static_cast<std::ptrdiff_t>(count);
}

/// False where the system refuses. The head is shorter where the file ends.
bool CaptureStream::read_head() noexcept {
  head_begin_ = 0;
  head_end_ = 0;
  while (head_end_ < head_.size()) {
    const std::ptrdiff_t count = read_some(std::span{head_}.subspan(head_end_));
    if (count < 0) return false;
    if (count == 0) break;
    head_end_ += static_cast<std::size_t>(count);
  }
  return true;
}

void CaptureStream::take_head() noexcept {
  const auto word = [this](std::uint32_t value) { return big_endian_ ? value : __builtin_bswap32(value); };
  const std::span<std::uint8_t, head_size> head{head_};
  const bool section = wire::load32<0>(head) == section_header;
  plain_ = head_end_ < head_.size() || (!begun_ && !section);
  if (plain_) return;
  begun_ = true;
  if (section) big_endian_ = wire::load32<8>(head) == byte_order_magic;
  const std::uint32_t length = word(wire::load32<4>(head));
  plain_ = length < head_size;  // which libpcap refuses
  rest_of_block_ = length - std::min<std::uint32_t>(length, head_size);
  if (section || word(wire::load32<0>(head)) != interface_description) return;
  const std::uint16_t stored = wire::load16<8>(head);
  const std::uint16_t link_type = big_endian_ ? stored : __builtin_bswap16(stored);
  if (!first_link_type_) {
    first_link_type_ = link_type;
  } else if (link_type == raw && first_link_type_ == raw) {
    wire::store16<8>(head, big_endian_ ? raw_of_libpcap : __builtin_bswap16(raw_of_libpcap));
  }
}

}  // namespace sixin4::capture
