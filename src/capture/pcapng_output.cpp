#include "sixin4/capture/pcapng_output.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::capture {

namespace {

namespace pcapng = wire::pcapng;

constexpr std::size_t buffer_size = 1 << 16;

[[noreturn]] void refuse(const std::string& path) {
  throw base::system_failure("cannot write " + (path == "-" ? "to standard output" : path));
}

}  // namespace

void PcapngOutput::Close::operator()(std::FILE* file) const noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): this is the owner's deleter
  if (file != stdout) (void)std::fclose(file);
}

PcapngOutput::PcapngOutput(std::string path, const std::vector<std::string>& interfaces)
    : path_(std::move(path)), file_(path_ == "-" ? stdout : std::fopen(path_.c_str(), "wbe")) {
  if (!file_) refuse(path_);
  pcapng::append_section(buffer_, "sixin4 " SIXIN4_VERSION, {});
  for (const std::string& name : interfaces) pcapng::append_interface(buffer_, {.name = name});
}

void PcapngOutput::flush_if_full() {
  if (buffer_.size() >= buffer_size) flush();
}

void PcapngOutput::flush() {
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size() ||
      std::fflush(file_.get()) != 0) {
    refuse(path_);
  }
  buffer_.clear();
}

}  // namespace sixin4::capture
