// The outer header and IPv4 fragments, checked by libtins.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/engine/outbound.hpp"

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

/// Encapsulates an inner packet whose first `split` bytes are passed as headers.
std::vector<Octets> outer_of(Encapsulator& encapsulator, const TunnelParameters& parameters,
                             const Octets& inner, std::size_t split = 0) {
  WireBatch batch;
  std::vector<Octets> packets;
  const auto flush = [&] {
    for (const auto& packet : batch.packets()) packets.push_back(octets_of(packet));
    batch.clear();
  };
  encapsulator.add(parameters, wire::Bytes{inner}.first(split), wire::Bytes{inner}.subspan(split), batch,
                   flush);
  flush();
  return packets;
}
std::vector<Octets> outer_of(const TunnelParameters& parameters, const Octets& inner, std::size_t split = 0) {
  Encapsulator encapsulator;
  return outer_of(encapsulator, parameters, inner, split);
}

Tins::IP parsed(const Octets& packet) {
  return {packet.data(), static_cast<std::uint32_t>(packet.size())};
}

Octets inner_packet(std::size_t length, std::uint8_t traffic_class = 0) {
  return packet_of(
      Udp{.payload = payload_of(length - ipv6_header - udp_header), .traffic_class = traffic_class});
}

// RFC 4213 §3.5
TEST(Encapsulator, TheOuterHeaderIsWhatTheTunnelSpecificationSays) {
  const Octets inner = inner_packet(500);
  const auto packets = outer_of(near_parameters(), inner);
  ASSERT_EQ(packets.size(), 1U);
  const Tins::IP outer = parsed(packets[0]);
  EXPECT_EQ(outer.version(), 4);
  EXPECT_EQ(outer.head_len(), 5);
  EXPECT_EQ(outer.tos(), 0);
  EXPECT_EQ(outer.tot_len(), inner.size() + 20);
  EXPECT_EQ(outer.flags(), 0);  // no DF: the MTU is static (RFC 4213 §3.2.1)
  EXPECT_EQ(outer.fragment_offset(), 0);
  EXPECT_EQ(outer.ttl(), 64);
  EXPECT_EQ(outer.protocol(), 41);
  EXPECT_EQ(outer.src_addr(), Tins::IPv4Address("192.0.2.1"));
  EXPECT_EQ(outer.dst_addr(), Tins::IPv4Address("198.51.100.2"));
  EXPECT_EQ(packets[0], parsed(packets[0]).serialize());  // libtins computes total length and checksum
}

TEST(Encapsulator, TheInnerPacketIsNotTouched) {
  const Octets inner = inner_packet(777);
  for (const std::size_t split : {std::size_t{0}, std::size_t{48}, inner.size()}) {
    const auto packets = outer_of(near_parameters(), inner, split);
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(Octets(packets[0].begin() + 20, packets[0].end()), inner) << split;
  }
}

// RFC 4213 §3.2.2. A packet that is not fragmented needs no identification (RFC 6864 §4.1); receive offload
// of Linux joins segments with a constant one.
TEST(Encapsulator, ADynamicMtuSetsDfAndLeavesTheIdentificationAt0) {
  TunnelParameters parameters = near_parameters();
  parameters.pmtudisc = true;
  parameters.dont_fragment = true;
  Encapsulator encapsulator;
  WireBatch batch;
  const Octets packet = packet_of(Udp{.payload = payload_of(1400)});
  for (int i = 0; i < 3; ++i) encapsulator.add(parameters, {}, packet, batch, [] { FAIL(); });
  ASSERT_EQ(batch.size(), 3U);
  for (const OuterPacket& outer : batch.packets()) {
    EXPECT_EQ(word_at(outer.head, 4), 0);
    EXPECT_EQ(word_at(outer.head, 6), 0x4000) << "DF, and no fragment";
    EXPECT_EQ(reference_sum(outer.head.first(20)), 0xffff);
  }
}

// RFC 6864 §4.2: identifications matter if a packet may be fragmented.
TEST(Encapsulator, IdentificationsAreUniqueAndNeverZero) {
  Encapsulator encapsulator;
  const TunnelParameters parameters = near_parameters();
  const Octets inner = inner_packet(64);
  constexpr std::size_t all = 65535;  // all values but 0
  std::vector<std::size_t> last_seen(65536, 0);
  WireBatch batch;
  for (std::size_t number = 1; number <= 70000; ++number) {
    encapsulator.add(parameters, {}, inner, batch, [] { FAIL() << "the batch has room"; });
    const std::uint16_t identification = word_at(batch.packets().front().head, 4);
    batch.clear();
    ASSERT_NE(identification, 0) << number;
    if (last_seen[identification] != 0) {
      ASSERT_EQ(number - last_seen[identification], all) << identification;
    }
    last_seen[identification] = number;
  }
}

// Receive offload of Linux joins segments whose identifications differ by one.
TEST(Encapsulator, WorkersOfOneTunnelHaveIdentificationsOfTheirOwn) {
  const TunnelParameters parameters = near_parameters();
  const Octets inner = inner_packet(64);
  for (const std::uint32_t workers : {2U, 3U, 64U}) {
    SCOPED_TRACE(workers);
    const std::uint32_t nobody = workers;
    std::vector<std::uint32_t> owner(65536, nobody);
    WireBatch batch;
    for (std::uint32_t worker = 0; worker < workers; ++worker) {
      Encapsulator encapsulator{{.index = worker, .count = workers}};
      std::uint32_t before = 0;
      std::ptrdiff_t jumps = 0;
      for (std::size_t number = 0; number < 40000; ++number) {
        encapsulator.add(parameters, {}, inner, batch, [] { FAIL() << "the batch has room"; });
        const std::uint16_t identification = word_at(batch.packets().front().head, 4);
        batch.clear();
        ASSERT_TRUE(owner[identification] == nobody || owner[identification] == worker);
        owner[identification] = worker;
        if (number != 0 && identification != before + 1) ++jumps;
        before = identification;
      }
      EXPECT_EQ(jumps, (40000 - 1) / std::ranges::count(owner, worker)) << "only from its last to its first";
    }
    EXPECT_EQ(owner[0], nobody);
    EXPECT_EQ(std::ranges::count(owner, nobody), 1);
  }
}

TEST(Encapsulator, TosIsFixedOrInherited) {
  TunnelParameters parameters = near_parameters();
  parameters.tos = 0x28;
  EXPECT_EQ(parsed(outer_of(parameters, inner_packet(100, 0xb8)).at(0)).tos(), 0x28);
  parameters.tos = std::nullopt;
  EXPECT_EQ(parsed(outer_of(parameters, inner_packet(100, 0xb8)).at(0)).tos(), 0xb8);
}

TEST(Encapsulator, TtlIsFixedOrInherited) {
  TunnelParameters parameters = near_parameters();
  parameters.ttl = 255;
  EXPECT_EQ(parsed(outer_of(parameters, inner_packet(100)).at(0)).ttl(), 255);
  parameters.ttl = std::nullopt;
  EXPECT_EQ(parsed(outer_of(parameters, inner_packet(100)).at(0)).ttl(), 57);
}

// RFC 6040 §4.1
TEST(Encapsulator, EcnIsCopiedInNormalModeAndClearedInCompatibilityMode) {
  TunnelParameters parameters = near_parameters();
  for (unsigned ecn = 0; ecn < 4; ++ecn) {
    const Octets inner = inner_packet(100, static_cast<std::uint8_t>(0xb8U | ecn));
    for (const bool inherit : {false, true}) {
      const unsigned dscp = inherit ? 0xb8 : 0x20;
      parameters.tos = inherit ? std::nullopt : std::optional<std::uint8_t>{0x20};
      parameters.ecn = true;
      EXPECT_EQ(parsed(outer_of(parameters, inner).at(0)).tos(), dscp | ecn);
      parameters.ecn = false;
      EXPECT_EQ(parsed(outer_of(parameters, inner).at(0)).tos(), dscp);
    }
  }
}

TEST(Encapsulator, EcnNeverComesFromTheConfiguration) {
  TunnelParameters parameters = near_parameters();
  parameters.tos = 0x23;
  EXPECT_EQ(parsed(outer_of(parameters, inner_packet(100, 0x02)).at(0)).tos(), 0x22);
  parameters.ecn = false;
  EXPECT_EQ(parsed(outer_of(parameters, inner_packet(100, 0x02)).at(0)).tos(), 0x20);
}

struct Link {
  std::uint16_t mtu;
  std::size_t inner;
  std::size_t
      fragments;  ///< computed by hand: inner bytes by the largest multiple of 8 that fits after 20 bytes
};

class Fragmentation : public testing::TestWithParam<Link> {};

// RFC 791 §3.2
TEST_P(Fragmentation, MakesFragmentsThatTheLinkTakesAndThatJoinToTheOriginal) {
  const auto [link_mtu, length, fragments] = GetParam();
  TunnelParameters parameters = near_parameters();
  parameters.link_mtu = link_mtu;
  parameters.tos = 0x28;
  const Octets inner = packet_of(Tcp{.timestamps = true, .payload = payload_of(length - 72)});
  ASSERT_EQ(inner.size(), length);

  // The split lies at the start, in the first fragment, at and near a fragment boundary, and at the end.
  for (const std::size_t split : {std::size_t{0}, std::size_t{40}, std::size_t{47}, std::size_t{48},
                                  std::size_t{49}, std::size_t{72}, length - 1, length}) {
    if (split > Segments::max_headers) continue;
    SCOPED_TRACE(split);
    const auto packets = outer_of(parameters, inner, split);
    EXPECT_EQ(packets.size(), fragments);
    Reassembler far;
    std::size_t offset = 0;
    for (const auto& packet : packets) {
      const Tins::IP outer = parsed(packet);
      const bool last = &packet == &packets.back();
      EXPECT_LE(packet.size(), link_mtu);
      EXPECT_EQ(packet, parsed(packet).serialize());
      EXPECT_EQ(outer.id(), parsed(packets[0]).id());
      EXPECT_EQ(outer.flags(), last ? 0 : Tins::IP::MORE_FRAGMENTS);
      EXPECT_EQ(std::size_t{8} * outer.fragment_offset(), offset);
      EXPECT_EQ(outer.tos(), 0x28);
      EXPECT_EQ(outer.ttl(), 64);
      EXPECT_EQ(outer.protocol(), 41);
      offset += packet.size() - 20;
      far.add(packet);
    }
    EXPECT_TRUE(far.nothing_left());
    ASSERT_EQ(far.whole().size(), 1U);
    EXPECT_EQ(far.whole()[0], inner);
  }
}

INSTANTIATE_TEST_SUITE_P(Links, Fragmentation,
                         testing::Values(Link{1500, 1480, 1}, Link{1500, 1481, 2}, Link{1500, 2961, 3},
                                         Link{1280, 1260, 1}, Link{1280, 1280, 2}, Link{1280, 2512, 2},
                                         Link{1280, 2513, 3}, Link{576, 1280, 3}, Link{576, 1480, 3},
                                         Link{68, 1280, 27}, Link{68, 97, 3}, Link{68, 96, 2},
                                         Link{65535, 65515, 1}, Link{1500, 65515, 45}),
                         [](const auto& each) {
                           return std::to_string(each.param.inner) + "Over" + std::to_string(each.param.mtu);
                         });

TEST(Encapsulator, OnlyTheLastFragmentTellsTheInnerLength) {
  TunnelParameters parameters = near_parameters();
  parameters.link_mtu = 576;
  const Octets inner = inner_packet(1280);
  WireBatch batch;
  Encapsulator encapsulator;
  encapsulator.add(parameters, {}, inner, batch, [] { FAIL() << "the batch has room"; });
  ASSERT_EQ(batch.size(), 3U);
  EXPECT_EQ(batch.packets()[0].inner_length, 0U);
  EXPECT_EQ(batch.packets()[1].inner_length, 0U);
  EXPECT_EQ(batch.packets()[2].inner_length, 1280U);
}

TEST(Encapsulator, AFullBatchIsFlushedBetweenFragments) {
  TunnelParameters parameters = near_parameters();
  parameters.link_mtu = 68;
  const Octets inner = inner_packet(1280);
  WireBatch batch;
  Encapsulator encapsulator;
  Reassembler far;
  std::size_t flushes = 0;
  const auto flush = [&] {
    ++flushes;
    EXPECT_EQ(batch.size(), WireBatch::max_packets);
    for (const auto& packet : batch.packets()) far.add(octets_of(packet));
    batch.clear();
  };
  for (int count = 0; count < 10; ++count) encapsulator.add(parameters, {}, inner, batch, flush);
  for (const auto& packet : batch.packets()) far.add(octets_of(packet));
  EXPECT_EQ(flushes, 2U);  // 270 fragments in batches of 128
  EXPECT_EQ(far.whole(), std::vector<Octets>(10, inner));
}

}  // namespace
}  // namespace sixin4::engine
