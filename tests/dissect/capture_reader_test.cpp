// Capture files of both formats, whole and damaged. libpcap writes some of them, this test the others.
#include "sixin4/dissect/capture_reader.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <sys/stat.h>

#include "sixin4/wire/pcapng.hpp"

namespace sixin4::dissect {
namespace {

namespace fs = std::filesystem;
namespace pcapng = wire::pcapng;
using Octets = std::vector<std::uint8_t>;

class CaptureReaderTest : public testing::Test {
 protected:
  CaptureReaderTest() {
    (void)std::signal(SIGPIPE, SIG_IGN);  // for the writer of a pipe whose reader has ended
    std::string name = fs::temp_directory_path() / "sixin4-reader-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
    directory = name;
  }
  ~CaptureReaderTest() override {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }

  [[nodiscard]] std::string write(const Octets& bytes) const {
    const std::string path = directory / "capture";
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(bytes.data()),
                                                static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  /// Writes a file with libpcap.
  [[nodiscard]] std::string write_pcap(int link_type, u_int precision) const {
    const std::string path = directory / "libpcap";
    const std::unique_ptr<pcap_t, decltype(&::pcap_close)> dead{
        ::pcap_open_dead_with_tstamp_precision(link_type, 65535, precision), &::pcap_close};
    pcap_dumper_t* const dumper = ::pcap_dump_open(dead.get(), path.c_str());
    const Octets packet{0x60, 1, 2, 3};
    pcap_pkthdr header{};
    header.ts = {.tv_sec = 1700000000, .tv_usec = 123456};
    header.caplen = 4;
    header.len = 99;
    ::pcap_dump(reinterpret_cast<u_char*>(dumper), &header, packet.data());
    ::pcap_dump_close(dumper);
    return path;
  }

  fs::path directory;
};

/// A file like those of `sixin4 capture`: two interfaces of link type RAW.
pcapng::Buffer own_capture() {
  pcapng::Buffer bytes;
  pcapng::append_section(bytes, "test", {});
  pcapng::append_interface(bytes, {.name = "he6 (inner)"});
  pcapng::append_interface(bytes, {.name = "he6 (outer)"});
  const Octets inner{0x60, 1, 2, 3};
  const Octets outer{0x45, 4, 5, 6};
  pcapng::append_packet(bytes,
                        {.interface = 0, .time_ns = 1700000000000000001, .bytes = inner, .length = 60});
  pcapng::append_packet(bytes,
                        {.interface = 1, .time_ns = 1700000000000000002, .bytes = outer, .length = 80});
  return bytes;
}

void expect_own_capture_begins(CaptureReader& reader) {
  auto frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->time.count(), 1700000000000000001);
  EXPECT_EQ(frame->link_type, DLT_RAW);
  EXPECT_EQ(frame->bytes[0], 0x60);
  EXPECT_EQ(frame->length, 60U);
  frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->time.count(), 1700000000000000002);
  EXPECT_EQ(frame->bytes[0], 0x45);
}

void expect_own_capture(CaptureReader& reader) {
  expect_own_capture_begins(reader);
  EXPECT_FALSE(reader.next());
}

TEST_F(CaptureReaderTest, ReadsWhatLibpcapWrites) {
  for (const u_int precision : {u_int{PCAP_TSTAMP_PRECISION_MICRO}, u_int{PCAP_TSTAMP_PRECISION_NANO}}) {
    CaptureReader reader{write_pcap(DLT_EN10MB, precision)};
    const auto frame = reader.next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->link_type, DLT_EN10MB);
    const std::int64_t fraction = precision == PCAP_TSTAMP_PRECISION_NANO ? 123456 : 123456000;
    EXPECT_EQ(frame->time.count(), 1700000000000000000 + fraction);
    EXPECT_EQ(frame->bytes.size(), 4U);
    EXPECT_EQ(frame->length, 99U);
    EXPECT_EQ(reader.size(), 24U + 16 + 4);
    EXPECT_EQ(reader.position(), 24U + 16 + 4);
    EXPECT_FALSE(reader.next());
  }
}

TEST_F(CaptureReaderTest, ReadsACaptureOfTwoInterfaces) {
  CaptureReader reader{write(own_capture())};
  expect_own_capture(reader);
}

TEST_F(CaptureReaderTest, ReadsWhatComesByteByByte) {
  const std::string path = directory / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::jthread writer{[&path] {
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    (void)std::setvbuf(file, nullptr, _IONBF, 0);
    for (const std::uint8_t byte : own_capture()) (void)std::fputc(byte, file);
    (void)std::fclose(file);
  }};
  {
    CaptureReader reader{path};
    EXPECT_FALSE(reader.size());
    expect_own_capture(reader);
  }
  writer.join();
}

TEST_F(CaptureReaderTest, HandsOverWhatIsThereBeforeMoreComes) {
  const std::string path = directory / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::FILE* file = nullptr;
  std::jthread writer{[&] {
    file = std::fopen(path.c_str(), "wb");
    const pcapng::Buffer bytes = own_capture();
    (void)std::fwrite(bytes.data(), 1, bytes.size(), file);
    (void)std::fflush(file);  // the pipe stays open
  }};
  CaptureReader reader{path};
  EXPECT_TRUE(reader.next());
  EXPECT_TRUE(reader.next());
  writer.join();
  (void)std::fclose(file);
  EXPECT_FALSE(reader.next());
}

/// Number of read system calls of this process; 0 if the kernel does not count them.
std::uint64_t reads_so_far() {
  std::ifstream stream{"/proc/self/io"};
  std::string word;
  std::uint64_t count = 0;
  while (stream >> word) {
    if (word == "syscr:") stream >> count;
  }
  return count;
}

TEST_F(CaptureReaderTest, ReadsManyPacketsAtOnceAndTellsHowFarItIs) {
  constexpr int count = 20000;
  pcapng::Buffer bytes = own_capture();
  const std::size_t head = bytes.size();
  for (int i = 0; i < count; ++i) {
    const Octets packet(static_cast<std::size_t>(1 + i % 300), 0x60);
    pcapng::append_packet(bytes, {.interface = 0, .bytes = packet, .length = 300});
  }
  CaptureReader reader{write(bytes)};
  const std::uint64_t before = reads_so_far();
  std::uint64_t position = 0;
  std::size_t handed_over = head;
  expect_own_capture_begins(reader);
  for (int i = 0; i < count; ++i) {
    const auto frame = reader.next();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->bytes.size(), static_cast<std::size_t>(1 + i % 300));
    handed_over += frame->bytes.size();
    EXPECT_GE(reader.position(), std::max<std::uint64_t>(position, handed_over));
    position = reader.position();
    constexpr std::size_t read_ahead = std::size_t{128} << 10U;
    EXPECT_LE(position, bytes.size());
    if (i == count / 2) {
      EXPECT_LE(position, bytes.size() / 2 + read_ahead);
    }
  }
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.position(), bytes.size());
  EXPECT_LT(reads_so_far() - before, count / 20);
}

TEST_F(CaptureReaderTest, SecondsOfAClassicFileHaveNoSign) {
  Octets file{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0};
  const Octets packet{0x80, 0x7e, 0xaa, 0x83, 5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0x60};  // 2208988800.000005
  file.insert(file.end(), packet.begin(), packet.end());
  CaptureReader reader{write(file)};
  const auto frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->time, std::chrono::seconds{2208988800} + std::chrono::microseconds{5});
}

TEST_F(CaptureReaderTest, SaysWhereAFileEndsEarly) {
  const pcapng::Buffer whole = own_capture();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string path = write({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    int packets = 0;
    try {
      CaptureReader reader{path};
      while (reader.next()) ++packets;
    } catch (const std::logic_error& error) {
      EXPECT_TRUE(std::string{error.what()}.starts_with(path + ": not a capture file: ")) << error.what();
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(std::string{error.what()}.starts_with(path + ": ")) << error.what();
    }
    EXPECT_LT(packets, 2) << length;
  }
}

std::string refusal(const std::string& path) {
  try {
    const CaptureReader reader{path};
    return "none";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST_F(CaptureReaderTest, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(refusal(directory / "nowhere"), (directory / "nowhere").string() + ": there is no such file");
  const std::string text = write(Octets(100, 'x'));
  EXPECT_EQ(refusal(text), text + ": not a capture file: unknown file format");
  const std::string compressed = write({0x1f, 0x8b, 8, 0, 0, 0, 0, 0});
  EXPECT_EQ(refusal(compressed),
            compressed + ": compressed with gzip: decompress it first, with zcat for example");
  const std::string wireless = write_pcap(DLT_IEEE802_11, PCAP_TSTAMP_PRECISION_NANO);
  EXPECT_EQ(refusal(wireless), wireless + ": sixin4 does not know the link type IEEE802_11 (105), 802.11");
}

}  // namespace
}  // namespace sixin4::dissect
