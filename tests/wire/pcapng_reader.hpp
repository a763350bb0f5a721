// Reads pcapng independently of the writer: packets by libpcap, and the rest by a walk along the blocks.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <pcap/pcap.h>

namespace sixin4::test {

using Octets = std::vector<std::uint8_t>;

template <typename Word>
Word native(std::span<const std::uint8_t> bytes, std::size_t offset = 0) {
  Word word{};
  if (offset > bytes.size() || bytes.size() - offset < sizeof word) throw std::runtime_error("too short");
  std::memcpy(&word, bytes.subspan(offset).data(), sizeof word);
  return word;
}

/// The upper word first.
inline std::uint64_t time_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
  return std::uint64_t{native<std::uint32_t>(bytes, offset)} << 32U |
         native<std::uint32_t>(bytes, offset + 4);
}

struct PcapngBlock {
  std::uint32_t type = 0;
  Octets body;                                   ///< before the options
  std::map<std::uint16_t, std::string> options;  ///< the last of each kind
};

/// Throws if the file does not consist of whole blocks.
inline std::vector<PcapngBlock> blocks_of(std::span<const std::uint8_t> file) {
  std::vector<PcapngBlock> blocks;
  while (!file.empty()) {
    PcapngBlock& block = blocks.emplace_back();
    block.type = native<std::uint32_t>(file);
    const auto length = native<std::uint32_t>(file, 4);
    if (length % 4 != 0 || length < 12 || length > file.size() ||
        native<std::uint32_t>(file, length - 4) != length) {
      throw std::runtime_error("a block's lengths do not agree");
    }
    const auto content = file.subspan(8, length - 12);
    const std::map<std::uint32_t, std::size_t> fixed{{0x0a0d0d0a, 16}, {1, 8}, {5, 12}, {6, 20}};
    std::size_t at = fixed.at(block.type);
    if (block.type == 6) at += (native<std::uint32_t>(content, 12) + 3U) / 4U * 4U;
    block.body.assign(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(at));
    while (true) {
      const auto code = native<std::uint16_t>(content, at);
      const std::size_t size = native<std::uint16_t>(content, at + 2);
      at += 4;
      if (code == 0) break;
      const auto value = content.subspan(at, size);
      block.options[code] = std::string{value.begin(), value.end()};
      at += (size + 3) / 4 * 4;
    }
    if (at != content.size()) throw std::runtime_error("something is behind the options");
    file = file.subspan(length);
  }
  return blocks;
}

struct ReadPacket {
  std::uint64_t time_ns = 0;
  std::uint32_t length = 0;
  Octets bytes;
  bool operator==(const ReadPacket&) const = default;
};

/// The packets that libpcap reads. Throws its error.
inline std::vector<ReadPacket> read_by_libpcap(std::span<const std::uint8_t> file) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  std::vector<std::uint8_t> copy{file.begin(), file.end()};
  std::FILE* const stream = ::fmemopen(copy.data(), copy.size(), "rb");
  if (stream == nullptr) throw std::runtime_error("fmemopen");
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> handle{
      ::pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error.data()),
      &pcap_close};
  if (!handle) throw std::runtime_error(error.data());
  if (::pcap_datalink(handle.get()) != DLT_RAW) throw std::runtime_error("another link type");
  std::vector<ReadPacket> packets;
  while (true) {
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int result = ::pcap_next_ex(handle.get(), &header, &bytes);
    if (result == PCAP_ERROR_BREAK) return packets;
    if (result != 1) throw std::runtime_error(::pcap_geterr(handle.get()));
    packets.push_back({.time_ns = static_cast<std::uint64_t>(header->ts.tv_sec) * 1'000'000'000U +
                                  static_cast<std::uint64_t>(header->ts.tv_usec),
                       .length = header->len,
                       .bytes = {bytes, bytes + header->caplen}});
  }
}

}  // namespace sixin4::test
