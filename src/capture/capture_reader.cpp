#include "sixin4/capture/capture_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sixin4/capture/link_layer.hpp"

#include "capture_stream.hpp"

namespace sixin4::capture {

namespace {

int open_file(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) throw std::invalid_argument(path + ": there is no such file");
  throw std::system_error(error, std::generic_category(), "cannot read " + path);
}

std::optional<std::uint64_t> size_of(int fd) {
  struct stat there {};
  if (::fstat(fd, &there) != 0 || !S_ISREG(there.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(there.st_size);
}

std::string name_of_link_type(int link_type) {
  const char* const name = ::pcap_datalink_val_to_name(link_type);
  const char* const meaning = ::pcap_datalink_val_to_description(link_type);
  std::string text = std::to_string(link_type);
  if (name != nullptr) text = std::string{name} + " (" + text + ")";
  if (meaning != nullptr) text += std::string{", "} + meaning;
  return text;
}

/// Of a time stamp that may be anything.
std::chrono::nanoseconds time_of(const pcap_pkthdr& header) noexcept {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / std::nano::den - 1;
  // A classic file has 32 bits without a sign, of which libpcap makes a number with one.
  const std::int64_t stored = header.ts.tv_sec;
  const bool is_behind_2038 = stored < 0 && stored >= std::numeric_limits<std::int32_t>::min();
  const auto seconds =
      std::clamp<std::int64_t>(is_behind_2038 ? static_cast<std::uint32_t>(stored) : stored, 0, most);
  const auto rest =
      std::clamp<std::int64_t>(header.ts.tv_usec, 0, std::nano::den - 1);  // nanoseconds, see below
  return std::chrono::seconds{seconds} + std::chrono::nanoseconds{rest};
}

}  // namespace

struct CaptureReader::Handle {
  explicit Handle(int fd) : stream(fd) {}
  ~Handle() {
    if (pcap != nullptr) ::pcap_close(pcap);  // and the file with it
  }
  Handle(Handle&&) = delete;
  Handle& operator=(Handle&&) = delete;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  /// Throws std::invalid_argument with what libpcap says.
  void open() {
    auto file = stream.open();
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    pcap = ::pcap_fopen_offline_with_tstamp_precision(file.get(), PCAP_TSTAMP_PRECISION_NANO, error.data());
    if (pcap == nullptr) throw std::invalid_argument(error.data());
    (void)file.release();
  }

  CaptureStream stream;
  pcap_t* pcap = nullptr;
};

CaptureReader::CaptureReader(std::string path) : path_(std::move(path)) {
  const int fd = open_file(path_);
  size_ = size_of(fd);
  handle_ = std::make_unique<Handle>(fd);
  try {
    handle_->open();
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(path_ + ": not a capture file: " + error.what());
  }
  if (!knows_link_type(link_type())) {
    throw std::invalid_argument(path_ + ": sixin4 does not know the link type " +
                                name_of_link_type(link_type()));
  }
}

CaptureReader::~CaptureReader() = default;
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader& CaptureReader::operator=(CaptureReader&&) noexcept = default;

std::optional<CapturedFrame> CaptureReader::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  constexpr int end_of_file = -2;
  const int result = ::pcap_next_ex(handle_->pcap, &header, &bytes);
  if (result == end_of_file) return std::nullopt;
  if (result != 1) throw std::runtime_error(path_ + ": " + ::pcap_geterr(handle_->pcap));
  return CapturedFrame{.time = time_of(*header),
                       .bytes = {bytes, header->caplen},
                       .length = std::max(header->len, header->caplen)};
}

int CaptureReader::link_type() const noexcept {
  return ::pcap_datalink(handle_->pcap);
}

std::uint64_t CaptureReader::position() const noexcept {
  return handle_->stream.position();
}

}  // namespace sixin4::capture
