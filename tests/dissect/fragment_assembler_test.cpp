// Reassembly of IPv4 fragments, and fragments that must not be joined.
#include "sixin4/dissect/fragment_assembler.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

namespace sixin4::dissect {
namespace {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;

struct Piece {
  std::size_t offset = 0;
  std::size_t length = 0;
  bool more = true;
  std::uint16_t identification = 7;
  std::uint8_t tos = 0;
  std::size_t options = 0;  ///< bytes of no-operation, a multiple of 4
};

Octets payload_of(std::size_t length) {
  Octets payload(length);
  for (std::size_t i = 0; i < length; ++i) payload[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return payload;
}

Octets fragment_of(const Piece& piece, const Octets& payload) {
  const std::size_t header_length = wire::ipv4_header_size + piece.options;
  Octets packet(header_length + piece.length, 1);
  wire::write_ipv4_header(std::span{packet}.first<wire::ipv4_header_size>(),
                          {.tos = piece.tos,
                           .total_length = static_cast<std::uint16_t>(packet.size()),
                           .identification = piece.identification,
                           .more_fragments = piece.more,
                           .fragment_offset = static_cast<std::uint16_t>(piece.offset),
                           .ttl = 61,
                           .protocol = 253,  // unknown to libtins, which leaves the payload as it is
                           .source = {{{192, 0, 2, 1}}},
                           .destination = {{{198, 51, 100, 1}}}});
  packet[0] = static_cast<std::uint8_t>(0x40 + header_length / 4);
  std::ranges::copy(wire::Bytes{payload}.subspan(piece.offset, piece.length),
                    packet.begin() + static_cast<std::ptrdiff_t>(header_length));
  return packet;
}

const std::vector<Piece> in_three{
    {.offset = 0, .length = 80}, {.offset = 80, .length = 80}, {.offset = 160, .length = 21, .more = false}};

class FragmentAssemblerTest : public testing::Test {
 protected:
  std::optional<Reassembled> add(const Piece& piece, std::chrono::nanoseconds time = 0s,
                                 std::size_t kept = SIZE_MAX) {
    const Octets fragment = fragment_of(piece, payload);
    return assembler.add(wire::Bytes{fragment}.first(std::min(kept, fragment.size())), time);
  }

  const Octets payload = payload_of(65535);
  FragmentAssembler assembler;
};

TEST_F(FragmentAssemblerTest, TakesFragmentsInEveryOrder) {
  std::vector<std::size_t> order{0, 1, 2};
  do {
    EXPECT_FALSE(add(in_three[order[0]]));
    EXPECT_FALSE(add(in_three[order[1]]));
    const auto whole = add(in_three[order[2]]);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->length, 20U + 181);
    EXPECT_EQ(whole->fragments, 3U);
    ASSERT_EQ(whole->packet.size(), whole->length);
    EXPECT_TRUE(std::equal(whole->packet.begin() + 20, whole->packet.end(), payload.begin()));
    Tins::IP parsed(whole->packet.data(), static_cast<std::uint32_t>(whole->packet.size()));
    EXPECT_FALSE(parsed.is_fragmented());
    EXPECT_EQ(parsed.tot_len(), 201);
    EXPECT_EQ(parsed.src_addr(), "192.0.2.1");
    const std::uint16_t checksum = parsed.checksum();
    parsed.serialize();  // computes the checksum
    EXPECT_EQ(parsed.checksum(), checksum);
  } while (std::ranges::next_permutation(order).found);
  EXPECT_EQ(assembler.left_over(), 0U);
}

TEST_F(FragmentAssemblerTest, KeepsPacketsApart) {
  Piece other = in_three[0];
  other.identification = 8;
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add(other));
  EXPECT_FALSE(add(in_three[1]));
  EXPECT_TRUE(add(in_three[2]));
  EXPECT_EQ(assembler.left_over(), 1U);
}

TEST_F(FragmentAssemblerTest, IgnoresWhatComesTwice) {
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add(in_three[1]));
  const auto whole = add(in_three[2]);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->fragments, 3U);
  EXPECT_EQ(assembler.left_over(), 0U);
}

TEST_F(FragmentAssemblerTest, DropsAPacketWhoseFragmentsOverlap) {
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add({.offset = 72, .length = 80}));
  EXPECT_FALSE(add(in_three[1]));
  EXPECT_FALSE(add(in_three[2]));
  EXPECT_EQ(assembler.left_over(), 4U);
}

TEST_F(FragmentAssemblerTest, BeginsAnewBehindAnOverlap) {
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add({.offset = 72, .length = 80}));
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add(in_three[1]));
  const auto whole = add(in_three[2]);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->fragments, 3U);
  EXPECT_EQ(assembler.left_over(), 2U);
}

TEST_F(FragmentAssemblerTest, DropsAPacketThatEndsTwice) {
  EXPECT_FALSE(add(in_three[2]));
  EXPECT_FALSE(add({.offset = 240, .length = 8, .more = false}));
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add(in_three[1]));
  EXPECT_FALSE(add({.offset = 240, .length = 8}));
  EXPECT_FALSE(add(in_three[2]));  // ends before the received bytes end
}

TEST_F(FragmentAssemblerTest, DropsAPacketLargerThanAnyIs) {
  EXPECT_FALSE(add({.offset = 65512, .length = 16, .more = false}));
  EXPECT_EQ(assembler.left_over(), 1U);
}

TEST_F(FragmentAssemblerTest, CountsTheFirstFragmentsHeaderForThePacketsLength) {
  constexpr std::size_t options = 40;
  constexpr std::size_t half = 32000;
  for (const bool first_comes_last : {false, true}) {
    for (const std::size_t beyond : {0U, 1U, 40U}) {
      const std::size_t length = wire::ipv4_max_packet - 20 - options + beyond;
      const Piece first{.offset = 0, .length = half, .options = options};
      const Piece middle{.offset = half, .length = half};
      const Piece last{.offset = 2 * half, .length = length - 2 * half, .more = false};
      EXPECT_FALSE(add(first_comes_last ? last : first));
      EXPECT_FALSE(add(middle));
      const auto whole = add(first_comes_last ? first : last);
      EXPECT_EQ(whole.has_value(), beyond == 0) << beyond;
      EXPECT_TRUE(!whole || whole->length == wire::ipv4_max_packet);
    }
  }
}

TEST_F(FragmentAssemblerTest, DoesNotCountTheHeadersOfOtherFragments) {
  EXPECT_FALSE(add({.offset = 0, .length = 64000}));
  const auto whole = add({.offset = 64000, .length = 65515 - 64000, .more = false, .options = 40});
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->length, wire::ipv4_max_packet);
}

TEST_F(FragmentAssemblerTest, ForgetsAfterHalfAMinuteOfTheCapturesTime) {
  EXPECT_FALSE(add(in_three[0], 100s));
  EXPECT_FALSE(add(in_three[1], 130s));
  EXPECT_TRUE(add(in_three[2], 130s));
  EXPECT_FALSE(add(in_three[0], 200s));
  EXPECT_FALSE(add(in_three[1], 230s));
  EXPECT_FALSE(add(in_three[2], 230s + 1ns));
  EXPECT_EQ(assembler.left_over(), 3U);
}

/// ip_frag_ecn_table of Linux; nothing: the packet is dropped.
std::optional<unsigned> ecn_of(unsigned first, unsigned second, unsigned third) {
  const std::set<unsigned> all{first, second, third};
  if (all.contains(0) && all.size() > 1) return std::nullopt;
  return all.contains(3) ? 3 : first;
}

TEST_F(FragmentAssemblerTest, PutsEcnFieldsTogetherAsTheKernelDoes) {
  for (unsigned choice = 0; choice < 64; ++choice) {
    const std::array<unsigned, 3> ecn{choice & 3U, choice >> 2U & 3U, choice >> 4U};
    std::vector<Piece> pieces = in_three;
    for (std::size_t i = 0; i < pieces.size(); ++i) pieces[i].tos = static_cast<std::uint8_t>(0xb0 + ecn[i]);
    EXPECT_FALSE(add(pieces[0]));
    EXPECT_FALSE(add(pieces[1]));
    const auto whole = add(pieces[2]);
    const auto expected = ecn_of(ecn[0], ecn[1], ecn[2]);
    ASSERT_EQ(whole.has_value(), expected.has_value()) << choice;
    if (whole) {
      EXPECT_EQ(whole->packet[1], 0xb0 + *expected) << choice;
      EXPECT_EQ(wire::sum_of(whole->packet.first(20)).checksum(), 0) << choice;
    }
  }
}

TEST_F(FragmentAssemblerTest, TellsOfThePacketsThatItGivesUp) {
  EXPECT_FALSE(add(in_three[0], 1s));
  EXPECT_FALSE(add(in_three[2], 2s));
  EXPECT_FALSE(add(in_three[2], 3s));
  EXPECT_TRUE(assembler.given_up().empty());
  EXPECT_FALSE(add({.offset = 72, .length = 80}, 4s));
  ASSERT_EQ(assembler.given_up().size(), 1U);
  const IncompletePacket& overlapping = assembler.given_up().front();
  EXPECT_EQ(overlapping.key.identification, 7);
  EXPECT_EQ(overlapping.key.protocol, 253);
  EXPECT_EQ(overlapping.key.source.address, (wire::Ipv4Address{{192, 0, 2, 1}}));
  EXPECT_EQ(overlapping.key.destination.address, (wire::Ipv4Address{{198, 51, 100, 1}}));
  EXPECT_EQ(overlapping.time, 4s);
  EXPECT_EQ(overlapping.fragments, 3U);
  EXPECT_TRUE(overlapping.malformed);

  Piece other = in_three[0];
  other.identification = 8;
  EXPECT_FALSE(add(in_three[0], 5s));
  EXPECT_TRUE(assembler.given_up().empty());
  EXPECT_FALSE(add(other, 36s));
  ASSERT_EQ(assembler.given_up().size(), 1U);
  EXPECT_EQ(assembler.given_up().front().time, 5s);
  EXPECT_FALSE(assembler.given_up().front().malformed);
  assembler.finish();
  ASSERT_EQ(assembler.given_up().size(), 1U);
  EXPECT_EQ(assembler.given_up().front().key.identification, 8);
  EXPECT_EQ(assembler.left_over(), 5U);
  assembler.finish();
  EXPECT_TRUE(assembler.given_up().empty());
}

TEST_F(FragmentAssemblerTest, EndsWhereTheCaptureHasAGap) {
  EXPECT_FALSE(add(in_three[0]));
  EXPECT_FALSE(add(in_three[1], 0s, 20 + 10));
  const auto whole = add(in_three[2]);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->length, 201U);
  EXPECT_EQ(whole->packet.size(), 20U + 90);
}

TEST_F(FragmentAssemblerTest, HasABoundHoweverManyPacketsAreIncomplete) {
  // Each announces nearly the largest packet.
  constexpr std::uint16_t count = 1000;
  for (std::uint16_t id = 0; id < count; ++id) {
    EXPECT_FALSE(add({.offset = 64000, .length = 8, .identification = id}));
  }
  // The oldest packet was given up, the newest one still waits.
  EXPECT_FALSE(add({.offset = 64008, .length = 8, .more = false, .identification = 0}));
  EXPECT_EQ(assembler.left_over(), count + 1U);
  constexpr std::uint16_t last = count - 1;
  EXPECT_FALSE(add({.offset = 64008, .length = 8, .more = false, .identification = last}));
  EXPECT_FALSE(add({.offset = 0, .length = 32000, .identification = last}));
  EXPECT_TRUE(add({.offset = 32000, .length = 32000, .identification = last}));
  EXPECT_FALSE(add({.offset = 0, .length = 32000, .identification = 0}));
  EXPECT_FALSE(add({.offset = 32000, .length = 32000, .identification = 0}));
}

}  // namespace
}  // namespace sixin4::dissect
