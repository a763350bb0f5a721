#include "sixin4/capture/pcapng_file.hpp"

#include <utility>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::capture {

namespace {

constexpr std::size_t full_buffer_size = 1 << 16;

[[noreturn]] void throw_cannot_write(const std::string& path) {
  throw base::system_failure("cannot write " + (path == "-" ? "to standard output" : path));
}

}  // namespace

void PcapngFile::Close::operator()(std::FILE* file) const noexcept {
  if (file != stdout) (void)std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory)
}

PcapngFile::PcapngFile(std::string path)
    : path_(std::move(path)), file_(path_ == "-" ? stdout : std::fopen(path_.c_str(), "wbe")) {
  // stdio does not buffer, because it would try to write its buffer again when the file is closed, after the
  // reader of a pipe has gone away.
  if (!file_ || std::setvbuf(file_.get(), nullptr, _IONBF, 0) != 0) throw_cannot_write(path_);
}

bool PcapngFile::has_full_buffer() const noexcept {
  return buffer_.size() >= full_buffer_size;
}

void PcapngFile::flush() {
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) {
    throw_cannot_write(path_);
  }
  written_ += buffer_.size();
  buffer_.clear();
}

PcapngFile open_pcapng_file(std::string path, const std::vector<std::string>& interfaces) {
  PcapngFile file{std::move(path)};
  wire::pcapng::append_section(file.buffer(), "sixin4 " SIXIN4_VERSION, {});
  for (const std::string& name : interfaces) wire::pcapng::append_interface(file.buffer(), {.name = name});
  return file;
}

}  // namespace sixin4::capture
