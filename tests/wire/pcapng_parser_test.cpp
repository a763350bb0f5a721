// Parsing of pcapng files, built here in both byte orders or by the project's writer.
#include "sixin4/wire/pcapng_parser.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/wire/pcapng.hpp"

namespace sixin4::wire::pcapng {
namespace {

using Kind = Step::Kind;
using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t section_type = 0x0a0d0d0a;

class File {
 public:
  explicit File(std::endian order) : order_(order) {}

  template <typename Word>
  static void put(Octets& to, Word word, std::endian order) {
    for (std::size_t i = 0; i < sizeof word; ++i) {
      const std::size_t shift = order == std::endian::big ? sizeof word - 1 - i : i;
      to.push_back(static_cast<std::uint8_t>(std::uint64_t{word} >> 8U * shift));
    }
  }
  template <typename... Words>
  Octets body(Words... words) const {
    Octets bytes;
    (put(bytes, words, order_), ...);
    return bytes;
  }
  void block(std::uint32_t type, Octets bytes) {
    bytes.resize((bytes.size() + 3) / 4 * 4);
    const auto length = static_cast<std::uint32_t>(bytes.size() + 12);
    put(octets, type, order_);
    put(octets, length, order_);
    octets.insert(octets.end(), bytes.begin(), bytes.end());
    put(octets, length, order_);
  }
  void section() {
    block(section_type,
          body(std::uint32_t{0x1a2b3c4d}, std::uint16_t{1}, std::uint16_t{0}, ~std::uint64_t{0}));
  }
  void interface(std::uint16_t link_type, std::uint32_t snap_length = 0) {
    block(1, body(link_type, std::uint16_t{0}, snap_length));
  }
  void interface_of_time(std::uint8_t resolution, std::int64_t offset) {
    Octets bytes =
        body(std::uint16_t{1}, std::uint16_t{0}, std::uint32_t{0}, std::uint16_t{9}, std::uint16_t{1});
    bytes.insert(bytes.end(), {resolution, 0, 0, 0});
    const Octets second = body(std::uint16_t{14}, std::uint16_t{8}, static_cast<std::uint64_t>(offset));
    bytes.insert(bytes.end(), second.begin(), second.end());
    block(1, bytes);
  }
  void enhanced(std::uint32_t interface, std::uint64_t stamp, const Octets& packet, std::uint32_t length) {
    Octets bytes = body(interface, static_cast<std::uint32_t>(stamp >> 32U),
                        static_cast<std::uint32_t>(stamp), static_cast<std::uint32_t>(packet.size()), length);
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    block(6, bytes);
  }

  Octets octets;

 private:
  std::endian order_;
};

struct Found {
  std::uint16_t link_type = 0;
  std::uint64_t time_ns = 0;
  std::uint32_t length = 0;
  Octets bytes;
  bool operator==(const Found&) const = default;
};

struct Parsed {
  std::vector<Found> packets;
  std::string fault;
  bool operator==(const Parsed&) const = default;
};

/// `at_once` bytes arrive at a time, or as many as needed.
Parsed parse(Bytes file, std::size_t at_once = SIZE_MAX) {
  Parsed parsed;
  Parser parser;
  std::size_t begin = 0;
  std::size_t end = std::min(at_once, file.size());
  for (;;) {
    const Octets there{file.begin() + static_cast<std::ptrdiff_t>(begin),
                       file.begin() + static_cast<std::ptrdiff_t>(end)};
    const Step step = parser.next(there);
    if (step.kind == Kind::broken) {
      parsed.fault = step.fault;
      return parsed;
    }
    if (step.kind == Kind::needs) {
      EXPECT_LE(step.count, most_block);
      EXPECT_GT(step.count, there.size());
      if (end == file.size()) {
        if (begin != end || !parser.is_between_blocks()) parsed.fault = parser.ends_early();
        return parsed;
      }
      end = std::min(end + std::min(at_once, file.size()), file.size());
      continue;
    }
    if (step.kind == Kind::packet) {
      parsed.packets.push_back({.link_type = step.packet.link_type,
                                .time_ns = step.packet.time_ns,
                                .length = step.packet.length,
                                .bytes = {step.packet.bytes.begin(), step.packet.bytes.end()}});
    }
    if (step.count > file.size() - begin) {
      parsed.fault = parser.ends_early();
      return parsed;
    }
    begin += step.count;
    end = std::max(begin, end);
  }
}

/// Two interfaces, every kind of packet block, and a block without packet.
File varied(std::endian order) {
  File file{order};
  file.section();
  file.interface(1);
  file.interface(113, 65535);
  file.block(0xbad, Octets(50, 7));
  file.enhanced(1, 1700000000000001, {1, 2, 3, 4, 5}, 60);
  Octets obsolete = file.body(std::uint16_t{0}, std::uint16_t{9}, std::uint32_t{1}, std::uint32_t{2},
                              std::uint32_t{2}, std::uint32_t{2});
  obsolete.insert(obsolete.end(), {8, 9});
  file.block(2, obsolete);
  Octets simple = file.body(std::uint32_t{3});
  simple.insert(simple.end(), {6, 6, 6});
  file.block(3, simple);
  return file;
}

const Parsed of_varied{.packets = {{113, 1700000000000001000, 60, {1, 2, 3, 4, 5}},
                                   {1, ((std::uint64_t{1} << 32U) + 2) * 1000, 2, {8, 9}},
                                   {1, 0, 3, {6, 6, 6}}},
                       .fault = {}};

TEST(PcapngParser, ReadsEveryKindOfPacketBlockInBothByteOrders) {
  for (const std::endian order : {std::endian::little, std::endian::big}) {
    EXPECT_EQ(parse(varied(order).octets), of_varied);
  }
}

TEST(PcapngParser, ReadsSectionsOfDifferentByteOrders) {
  Octets octets = varied(std::endian::little).octets;
  const Octets second = varied(std::endian::big).octets;
  octets.insert(octets.end(), second.begin(), second.end());
  const Parsed parsed = parse(octets);
  EXPECT_EQ(parsed.packets.size(), 6U);
  EXPECT_TRUE(parsed.fault.empty());
}

TEST(PcapngParser, FindsTheSameHoweverTheBytesCome) {
  const Octets octets = varied(std::endian::big).octets;
  for (std::size_t at_once = 1; at_once < 80; ++at_once)
    EXPECT_EQ(parse(octets, at_once), of_varied) << at_once;
}

TEST(PcapngParser, FindsWhatStandsInFrontOfAnEarlyEnd) {
  const Octets octets = varied(std::endian::little).octets;
  std::size_t clean_ends = 0;
  for (std::size_t length = 0; length < octets.size(); ++length) {
    const Parsed parsed = parse(Bytes{octets}.first(length));
    ASSERT_LT(parsed.packets.size(), 3U);
    for (std::size_t i = 0; i < parsed.packets.size(); ++i)
      EXPECT_EQ(parsed.packets[i], of_varied.packets[i]);
    if (parsed.fault.empty()) ++clean_ends;
  }
  EXPECT_EQ(clean_ends, 7U) << "between blocks";
}

TEST(PcapngParser, ReadsWhatTheWriterWrites) {
  Buffer file;
  append_section(file, "test", "any");
  append_interface(file, {.name = "inner", .filter = "tcp", .snap_length = 100});
  append_interface(file, {.name = "outer"});
  const Octets packet{0x60, 1, 2};
  append_packet(file, {.interface = 1,
                       .time_ns = 1700000000123456789,
                       .direction = Direction::in,
                       .id = 7,
                       .bytes = packet,
                       .length = 90,
                       .comment = "drop: too-big"});
  append_statistics(file, {.interface = 1});
  EXPECT_EQ(parse(file),
            (Parsed{.packets = {{link_type_raw, 1700000000123456789, 90, packet}}, .fault = {}}));
}

std::uint64_t time_of(std::uint8_t resolution, std::int64_t offset, std::uint64_t stamp) {
  File file{std::endian::little};
  file.section();
  file.interface_of_time(resolution, offset);
  file.enhanced(0, stamp, {1}, 1);
  const Parsed parsed = parse(file.octets);
  EXPECT_EQ(parsed.packets.size(), 1U) << parsed.fault;
  return parsed.packets.empty() ? 0 : parsed.packets.front().time_ns;
}

constexpr std::uint64_t all_ones = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint8_t binary = 0x80;

TEST(PcapngParser, KnowsEveryTimeResolution) {
  EXPECT_EQ(time_of(0, 0, 5), 5'000'000'000U);
  EXPECT_EQ(time_of(3, 0, 5'001), 5'001'000'000U);
  EXPECT_EQ(time_of(6, 0, 1), 1'000U);
  EXPECT_EQ(time_of(9, 0, 1'000'000'001), 1'000'000'001U);
  EXPECT_EQ(time_of(12, 0, 1'000'000'001'999), 1'000'000'001U);
  EXPECT_EQ(time_of(19, 0, all_ones), 1'844'674'407U);
  EXPECT_EQ(time_of(20, 0, all_ones), 184'467'440U);
  EXPECT_EQ(time_of(28, 0, all_ones), 1U);
  EXPECT_EQ(time_of(29, 0, all_ones), 0U);
  EXPECT_EQ(time_of(127, 0, all_ones), 0U);
  EXPECT_EQ(time_of(binary | 0U, 0, 5), 5'000'000'000U);
  EXPECT_EQ(time_of(binary | 1U, 0, 5), 2'500'000'000U);
  EXPECT_EQ(time_of(binary | 10U, 0, 1025), 1'000'976'562U);
  EXPECT_EQ(time_of(binary | 32U, 0, (std::uint64_t{1700000000} << 32U) + 0x80000000U),
            1'700'000'000'500'000'000U);
  EXPECT_EQ(time_of(binary | 63U, 0, all_ones), 1'999'999'999U);
  EXPECT_EQ(time_of(binary | 64U, 0, all_ones), 999'999'999U);
  EXPECT_EQ(time_of(binary | 65U, 0, all_ones), 499'999'999U);
  EXPECT_EQ(time_of(binary | 127U, 0, all_ones), 0U);
}

TEST(PcapngParser, AddsTheOffsetAndStaysInItsRange) {
  EXPECT_EQ(time_of(0, 1700000000, 5), 1'700'000'005'000'000'000U);
  EXPECT_EQ(time_of(6, -1, 1'500'000), 500'000'000U);
  EXPECT_EQ(time_of(6, -2, 1'500'000), 0U) << "before 1970";
  constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();
  for (const std::uint64_t late : {time_of(0, 0, all_ones), time_of(0, far, all_ones), time_of(0, far, 0)}) {
    EXPECT_GT(late, 9'000'000'000'000'000'000U);
    EXPECT_LE(late, static_cast<std::uint64_t>(far));
  }
  EXPECT_EQ(time_of(0, -far - 1, all_ones), 0U);
}

TEST(PcapngParser, AsksForNoMoreThanABlockMayHave) {
  File file{std::endian::little};
  file.section();
  for (const std::uint32_t type : {1U, 2U, 3U, 6U, section_type}) {
    Octets octets = file.octets;
    File::put(octets, type, std::endian::little);
    File::put(octets, std::uint32_t{0xfffffffc}, std::endian::little);
    File::put(octets, std::uint32_t{0x1a2b3c4d}, std::endian::little);
    EXPECT_NE(parse(octets).fault.find("16777216 are read at most"), std::string::npos) << type;
  }
}

TEST(PcapngParser, IsNotTakenInByFieldsOfAnyValue) {
  const Octets good = varied(std::endian::little).octets;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Octets octets = good;
      octets[at] = static_cast<std::uint8_t>(value);
      EXPECT_EQ(parse(octets), parse(octets, 7)) << at;
    }
  }
}

}  // namespace
}  // namespace sixin4::wire::pcapng
