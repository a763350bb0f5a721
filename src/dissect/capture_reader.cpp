#include "sixin4/dissect/capture_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/dissect/link_layer.hpp"
#include "sixin4/wire/pcapng_format.hpp"
#include "sixin4/wire/pcapng_parser.hpp"

#include "capture_stream.hpp"

namespace sixin4::dissect {

namespace {

int open_file(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) throw std::invalid_argument(path + ": there is no such file");
  throw base::system_failure("cannot read " + path, error);
}

std::optional<std::uint64_t> size_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

struct Compression {
  std::string_view name;
  std::string_view reader;  ///< program that decompresses a file to standard output
  std::string_view magic;   ///< first bytes of the file
};

constexpr std::size_t longest_magic = 6;
constexpr std::array<Compression, 5> compressions{{{"gzip", "zcat", "\x1f\x8b"},
                                                   {"xz",
                                                    "xzcat",
                                                    {"\xfd"
                                                     "7zXZ\0",
                                                     longest_magic}},
                                                   {"zstd", "zstdcat", "\x28\xb5\x2f\xfd"},
                                                   {"bzip2", "bzcat", "BZh"},
                                                   {"lz4", "lz4cat", "\x04\x22\x4d\x18"}}};

bool begins_with(wire::Bytes bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](char one, std::uint8_t other) { return static_cast<std::uint8_t>(one) == other; });
}

/// The time of a packet, limited to the range of std::chrono::nanoseconds. A damaged file may have any value.
std::chrono::nanoseconds time_of(const pcap_pkthdr& header) noexcept {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / std::nano::den - 1;
  // A pcap file has unsigned seconds of 32 bits, which libpcap converts to a signed number.
  const std::int64_t stored = header.ts.tv_sec;
  const bool is_after_2038 = stored < 0 && stored >= std::numeric_limits<std::int32_t>::min();
  const auto seconds =
      std::clamp<std::int64_t>(is_after_2038 ? static_cast<std::uint32_t>(stored) : stored, 0, most);
  // The field holds nanoseconds, because the file is opened with PCAP_TSTAMP_PRECISION_NANO.
  const auto fraction = std::clamp<std::int64_t>(header.ts.tv_usec, 0, std::nano::den - 1);
  return std::chrono::seconds{seconds} + std::chrono::nanoseconds{fraction};
}

}  // namespace

struct CaptureReader::Handle {
  explicit Handle(int fd) : stream(fd) {}
  ~Handle() {
    if (pcap != nullptr) ::pcap_close(pcap);  // also closes the FILE
  }
  Handle(Handle&&) = delete;
  Handle& operator=(Handle&&) = delete;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  CaptureStream stream;
  pcap_t* pcap = nullptr;  ///< null: the file is a pcapng file
  wire::pcapng::Parser parser;
  std::size_t handed_over = 0;  ///< bytes at the front of the stream that hold the last packet
};

CaptureReader::CaptureReader(std::string path) : path_(std::move(path)) {
  const int fd = open_file(path_);
  size_ = size_of(fd);
  handle_ = std::make_unique<Handle>(fd);
  begin();
}

CaptureReader::~CaptureReader() = default;

/// Decides the format by the first bytes of the file. libpcap gets every file that is neither pcapng nor
/// compressed.
void CaptureReader::begin() {
  CaptureStream& stream = handle_->stream;
  // If the file has fewer bytes, libpcap makes the error message.
  constexpr std::size_t magic_size = 4;
  static_assert(magic_size <= longest_magic);
  if (!stream.fill(magic_size) && stream.error() != 0) {
    throw std::invalid_argument(path_ +
                                ": not a capture file: " + std::generic_category().message(stream.error()));
  }
  const auto magic = wire::fixed<magic_size>(stream.available());
  if (magic && wire::load32<0>(*magic) == wire::pcapng::block::section_header) return;
  (void)stream.fill(longest_magic);
  for (const Compression& compression : compressions) {
    if (!begins_with(stream.available(), compression.magic)) continue;
    throw std::invalid_argument(path_ + ": compressed with " + std::string{compression.name} +
                                ": decompress it first, with " + std::string{compression.reader} +
                                " for example");
  }
  begin_pcap();
}

void CaptureReader::begin_pcap() {
  auto file = handle_->stream.open();
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  handle_->pcap =
      ::pcap_fopen_offline_with_tstamp_precision(file.get(), PCAP_TSTAMP_PRECISION_NANO, error.data());
  if (handle_->pcap == nullptr) {
    throw std::invalid_argument(path_ + ": not a capture file: " + error.data());
  }
  (void)file.release();
  const int link_type = ::pcap_datalink(handle_->pcap);
  if (!knows_link_type(link_type)) {
    throw std::invalid_argument(path_ + ": sixin4 does not know the link type " + link_type_text(link_type));
  }
}

std::optional<CapturedFrame> CaptureReader::next() {
  return handle_->pcap != nullptr ? next_of_pcap() : next_of_pcapng();
}

std::optional<CapturedFrame> CaptureReader::next_of_pcap() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  constexpr int end_of_file = -2;
  const int result = ::pcap_next_ex(handle_->pcap, &header, &bytes);
  if (result == end_of_file) return std::nullopt;
  if (result != 1) throw std::runtime_error(path_ + ": " + ::pcap_geterr(handle_->pcap));
  return CapturedFrame{.link_type = ::pcap_datalink(handle_->pcap),
                       .time = time_of(*header),
                       .bytes = {bytes, header->caplen},
                       .length = std::max(header->len, header->caplen)};
}

std::optional<CapturedFrame> CaptureReader::next_of_pcapng() {
  using Kind = wire::pcapng::Step::Kind;
  CaptureStream& stream = handle_->stream;
  stream.take(std::exchange(handle_->handed_over, 0));
  for (;;) {
    const wire::pcapng::Step step = handle_->parser.next(stream.available());
    bool has_enough = true;
    switch (step.kind) {
      case Kind::packet:
        handle_->handed_over = static_cast<std::size_t>(step.count);
        return CapturedFrame{.link_type = link_type_of_file(step.packet.link_type),
                             .time = std::chrono::nanoseconds{step.packet.time_ns},
                             .bytes = step.packet.bytes,
                             .length = step.packet.length};
      case Kind::broken:
        throw std::runtime_error(path_ + ": " + step.fault);
      case Kind::needs:
        has_enough = stream.fill(static_cast<std::size_t>(step.count));
        break;
      case Kind::passes:
        has_enough = stream.skip(step.count);
        break;
    }
    if (has_enough) continue;
    if (stream.error() != 0) {
      throw std::runtime_error(
          path_ + ": cannot read any further: " + std::generic_category().message(stream.error()));
    }
    const bool is_end = step.kind == Kind::needs && stream.available().empty();
    if (is_end && handle_->parser.is_between_blocks()) return std::nullopt;
    throw std::runtime_error(path_ + ": " + handle_->parser.ends_early());
  }
}

std::uint64_t CaptureReader::position() const noexcept {
  return handle_->stream.position();
}

}  // namespace sixin4::dissect
