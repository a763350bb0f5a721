// Fuzzes the parser of pcapng files: its memory is bounded, its result does not depend on the size of reads,
// and it reads files that libpcap accepts as libpcap does.
//
// Input: size of a read (1 byte; 0: 256), then the file.
#include "sixin4/wire/pcapng_parser.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <pcap/pcap.h>

#include "sixin4/wire/bytes.hpp"

namespace {

using namespace sixin4;
using Kind = wire::pcapng::Step::Kind;

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "violated: " << what << std::endl;
  std::abort();
}

struct Packet {
  std::uint64_t time_ns = 0;
  std::uint32_t length = 0;
  std::vector<std::uint8_t> bytes;
  bool operator==(const Packet&) const = default;
};

struct Parsed {
  std::vector<Packet> packets;
  std::string fault;
  bool operator==(const Parsed&) const = default;
};

/// Parses with reads of `at_once` bytes, from copies of exactly their size, so that AddressSanitizer finds
/// reads beyond them.
Parsed parse(wire::Bytes file, std::size_t at_once) {
  Parsed parsed;
  wire::pcapng::Parser parser;
  std::size_t begin = 0;
  std::size_t end = 0;
  for (;;) {
    const auto copy = std::make_unique<std::uint8_t[]>(end - begin);
    std::ranges::copy(file.subspan(begin, end - begin), copy.get());
    const wire::Bytes available{copy.get(), end - begin};
    const wire::pcapng::Step step = parser.next(available);
    switch (step.kind) {
      case Kind::broken:
        check(step.fault.starts_with("byte "), "a fault has a place");
        parsed.fault = step.fault;
        return parsed;
      case Kind::needs:
        check(step.count > available.size() && step.count <= wire::pcapng::most_block,
              "the requested size is bounded");
        if (end == file.size()) {
          if (begin != end || !parser.is_between_blocks()) parsed.fault = parser.ends_early();
          return parsed;
        }
        end = std::min(end + std::max(at_once, static_cast<std::size_t>(step.count) / 64), file.size());
        continue;
      case Kind::packet:
        check(step.count <= available.size(), "a packet is complete");
        check(step.packet.bytes.size() <= step.packet.length, "a packet has at most its length");
        check(step.packet.time_ns <= INT64_MAX, "a time fits a signed number");
        parsed.packets.push_back({.time_ns = step.packet.time_ns,
                                  .length = step.packet.length,
                                  .bytes = {step.packet.bytes.begin(), step.packet.bytes.end()}});
        break;
      case Kind::passes:
        break;
    }
    check(step.count > 0, "a step consumes bytes");
    if (step.count > file.size() - begin) {
      parsed.fault = parser.ends_early();
      return parsed;
    }
    begin += static_cast<std::size_t>(step.count);
    end = std::max(begin, end);
  }
}

/// Compares the packets with those of libpcap, if libpcap reads the file without error. libpcap rejects files
/// whose interfaces differ in time resolution or link type.
void check_by_libpcap(wire::Bytes file, const Parsed& parsed) {
  std::vector<std::uint8_t> copy{file.begin(), file.end()};
  if (copy.empty()) return;
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  std::FILE* const stream = ::fmemopen(copy.data(), copy.size(), "rb");
  check(stream != nullptr, "there is memory");
  pcap_t* const opened =
      ::pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error.data());
  if (opened == nullptr) {
    (void)std::fclose(stream);
    return;
  }
  const std::unique_ptr<pcap_t, decltype(&::pcap_close)> handle{opened, &::pcap_close};
  std::size_t count = 0;
  for (;; ++count) {
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int result = ::pcap_next_ex(handle.get(), &header, &bytes);
    if (result == PCAP_ERROR_BREAK) break;
    if (result != 1) return;
    if (count >= parsed.packets.size()) continue;
    const Packet& packet = parsed.packets[count];
    check(std::ranges::equal(packet.bytes, wire::Bytes{bytes, header->caplen}), "a packet has other bytes");
    check(packet.length == std::max(header->len, header->caplen), "a packet has another length");
  }
  // libpcap ignores the trailing length of a section header.
  if (parsed.fault.find("at its end") != std::string::npos) return;
  check(count == parsed.packets.size(), "libpcap finds another number of packets");
  check(parsed.fault.empty(), "libpcap accepts the file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::Bytes input{data, size};
  if (input.empty()) return -1;
  const wire::Bytes file = input.subspan(1);
  const Parsed parsed = parse(file, std::max<std::size_t>(file.size(), 1));
  check(parse(file, input.front() == 0 ? 256 : input.front()) == parsed,
        "other bytes at a time, other packets");
  // libpcap also reads pcap files.
  const auto magic = wire::fixed<4>(file);
  if (magic && wire::load32<0>(*magic) == 0x0a0d0d0a) check_by_libpcap(file, parsed);
  return 0;
}
