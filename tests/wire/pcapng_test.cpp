// The blocks of a pcapng file, read by libpcap and by a walk along the blocks.
#include "sixin4/wire/pcapng.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pcapng_reader.hpp"

namespace sixin4::wire::pcapng {
namespace {

using namespace test;

constexpr std::uint64_t time_ns = 1'800'000'000'123'456'789U;

Octets counting(std::size_t size) {
  Octets bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return bytes;
}

Buffer file_with_one_interface() {
  Buffer file;
  append_section(file, "program 1.0", "Linux 6.1");
  append_interface(file, {.name = "he6 (inner)", .filter = "tcp port 25", .snap_length = 1000});
  return file;
}

TEST(Pcapng, LibpcapReadsPacketsOfEveryLengthAsTheyWereWritten) {
  Buffer file = file_with_one_interface();
  std::vector<ReadPacket> expected;
  for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 5U, 40U, 999U}) {
    const Octets bytes = counting(size);
    append_packet(file, {.time_ns = time_ns + size,
                         .direction = Direction::out,
                         .id = size,
                         .bytes = bytes,
                         .length = static_cast<std::uint32_t>(size) + 7,
                         .comment = std::string(size % 6, 'x')});
    expected.push_back(
        {.time_ns = time_ns + size, .length = static_cast<std::uint32_t>(size) + 7, .bytes = bytes});
  }
  append_statistics(file, {.received = 8, .delivered = 8});
  EXPECT_EQ(read_by_libpcap(file), expected);
  EXPECT_EQ(blocks_of(file).size(), 2U + expected.size() + 1);
}

TEST(Pcapng, ASectionTellsProgramAndSystem) {
  Buffer file;
  append_section(file, "program 1.0", "Linux 6.1");
  const auto blocks = blocks_of(file);
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].type, 0x0a0d0d0aU);
  EXPECT_EQ(native<std::uint32_t>(blocks[0].body), 0x1a2b3c4dU);
  EXPECT_EQ(native<std::uint16_t>(blocks[0].body, 4), 1U) << "version";
  EXPECT_EQ(native<std::int64_t>(blocks[0].body, 8), -1) << "of any length";
  EXPECT_EQ(blocks[0].options.at(4), "program 1.0");
  EXPECT_EQ(blocks[0].options.at(3), "Linux 6.1");
}

TEST(Pcapng, AnInterfaceTellsNameFilterLinkTypeAndResolution) {
  const auto blocks = blocks_of(file_with_one_interface());
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[1].type, 1U);
  EXPECT_EQ(native<std::uint16_t>(blocks[1].body), 101U) << "LINKTYPE_RAW";
  EXPECT_EQ(native<std::uint32_t>(blocks[1].body, 4), 1000U);
  EXPECT_EQ(blocks[1].options.at(2), "he6 (inner)");
  EXPECT_EQ(blocks[1].options.at(9), "\x09") << "nanoseconds";
  EXPECT_EQ(blocks[1].options.at(11), std::string(1, '\0') + "tcp port 25");
}

TEST(Pcapng, WhatIsEmptyIsLeftOut) {
  Buffer file;
  append_section(file, "", "");
  append_interface(file, {.name = "he6"});
  append_packet(file, {.bytes = {}, .length = 0});
  const auto blocks = blocks_of(file);
  EXPECT_TRUE(blocks[0].options.empty());
  EXPECT_FALSE(blocks[1].options.contains(11)) << "filter";
  EXPECT_TRUE(blocks[2].options.empty()) << "neither comment nor direction nor id";
}

TEST(Pcapng, APacketTellsInterfaceTimeDirectionIdAndComment) {
  Buffer file = file_with_one_interface();
  const Octets bytes = counting(41);
  append_packet(file, {.interface = 0,
                       .time_ns = time_ns,
                       .direction = Direction::in,
                       .id = 0x0123456789abcdefU,
                       .bytes = bytes,
                       .length = 1500,
                       .comment = "drop: too-big"});
  const PcapngBlock packet = blocks_of(file).back();
  EXPECT_EQ(packet.type, 6U);
  EXPECT_EQ(time_at(packet.body, 4), time_ns);
  EXPECT_EQ(native<std::uint32_t>(packet.body, 12), 41U);
  EXPECT_EQ(native<std::uint32_t>(packet.body, 16), 1500U);
  EXPECT_EQ(packet.options.at(1), "drop: too-big");
  const auto number = [&packet]<typename Word>(std::uint16_t code, Word /*like*/) {
    const std::string& text = packet.options.at(code);
    return native<Word>(Octets{text.begin(), text.end()});
  };
  EXPECT_EQ(number(2, std::uint32_t{}) & 3U, 1U) << "inbound";
  EXPECT_EQ(number(5, std::uint64_t{}), 0x0123456789abcdefU);
}

TEST(Pcapng, ACommentThatIsTooLongIsCut) {
  Buffer file = file_with_one_interface();
  append_packet(file, {.bytes = {}, .length = 0, .comment = std::string(70000, 'x')});
  EXPECT_EQ(blocks_of(file).back().options.at(1).size(), 65535U);
}

TEST(Pcapng, StatisticsTellWhatWasThereMissedAndDelivered) {
  Buffer file = file_with_one_interface();
  append_statistics(file, {.interface = 0,
                           .start_ns = time_ns,
                           .end_ns = time_ns + 5,
                           .received = 100,
                           .dropped = 30,
                           .delivered = 70});
  const PcapngBlock statistics = blocks_of(file).back();
  EXPECT_EQ(statistics.type, 5U);
  EXPECT_EQ(time_at(statistics.body, 4), time_ns + 5);
  const auto option = [&statistics](std::uint16_t code) {
    const std::string& text = statistics.options.at(code);
    return Octets{text.begin(), text.end()};
  };
  EXPECT_EQ(time_at(option(2), 0), time_ns);
  EXPECT_EQ(time_at(option(3), 0), time_ns + 5);
  EXPECT_EQ(native<std::uint64_t>(option(4)), 100U);
  EXPECT_EQ(native<std::uint64_t>(option(5)), 30U);
  EXPECT_EQ(native<std::uint64_t>(option(8)), 70U);
}

}  // namespace
}  // namespace sixin4::wire::pcapng
