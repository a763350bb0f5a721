// Segmentation: super-packets whose offload data and headers contradict each other are refused.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/segment.hpp"

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

TunFrame good() {
  return super_packet(Tcp{.timestamps = true, .payload = payload_of(3000)}, 1000);
}

/// Whether a valid super-packet is still taken after `change`.
bool taken_after(const std::function<void(TunFrame&)>& change) {
  TunFrame frame = good();
  change(frame);
  return Segments::of(frame.packet()).has_value();
}

TEST(SegmentRefusal, TheUnchangedPacketIsTaken) {
  EXPECT_TRUE(taken_after([](TunFrame&) {}));
}

TEST(SegmentRefusal, ASegmentSizeOfZero) {
  EXPECT_FALSE(taken_after([](TunFrame& frame) { frame.offload.gso_size = 0; }));
}

TEST(SegmentRefusal, AChecksumThatStartsElsewhere) {
  for (const int start : {0, 39, 41, 60, 65535}) {
    EXPECT_FALSE(taken_after([&](TunFrame& frame) {
      frame.offload.checksum_start = static_cast<std::uint16_t>(start);
    })) << start;
  }
}

TEST(SegmentRefusal, AChecksumThatIsSaidToBeFinished) {
  EXPECT_FALSE(taken_after([](TunFrame& frame) { frame.offload.needs_checksum = false; }));
}

TEST(SegmentRefusal, AKindThatWasNeverOffered) {
  for (const int gso : {0, 1, 2, 3, 6, 127}) {
    EXPECT_FALSE(taken_after([&](TunFrame& frame) { frame.offload.gso = static_cast<wire::Gso>(gso); }))
        << gso;
  }
}

TEST(SegmentRefusal, AKindThatIsNotTheProtocol) {
  EXPECT_FALSE(taken_after([](TunFrame& frame) { frame.offload.gso = wire::Gso::udp; }));
  TunFrame datagrams = super_packet(Udp{.payload = payload_of(3000)}, 1000);
  datagrams.offload.gso = wire::Gso::tcp6;
  EXPECT_FALSE(Segments::of(datagrams.packet()));
}

TEST(SegmentRefusal, AProtocolThatIsNeitherTcpNorUdp) {
  EXPECT_FALSE(taken_after([](TunFrame& frame) { frame.bytes[6] = 58; }));
}

TEST(SegmentRefusal, Fragments) {
  for (const auto& extension : {fragment_extension(0, true), fragment_extension(1480, false)}) {
    TunFrame frame = super_packet(Tcp{.payload = payload_of(3000), .extensions = {extension}}, 1000);
    EXPECT_FALSE(Segments::of(frame.packet()));
  }
}

// RFC 6946: a fragment header of a whole packet (atomic fragment).
TEST(SegmentRefusal, AnAtomicFragmentIsNoFragment) {
  TunFrame frame =
      super_packet(Tcp{.payload = payload_of(3000), .extensions = {fragment_extension(0, false)}}, 1000);
  EXPECT_TRUE(Segments::of(frame.packet()));
}

TEST(SegmentRefusal, ADataOffsetBelowTheTcpHeader) {
  for (const unsigned words : {0U, 4U}) {
    EXPECT_FALSE(taken_after([&](TunFrame& frame) {
      frame.bytes[ipv6_header + 12] = static_cast<std::uint8_t>(words << 4U);
    })) << words;
  }
}

TEST(SegmentRefusal, HeadersCutAtAnyByte) {
  const Tcp fields{.timestamps = true, .payload = {}, .extensions = {options_extension(60, 2)}};
  const TunFrame whole = super_packet(fields, 1000);
  for (std::size_t length = 0; length < whole.bytes.size(); ++length) {
    TunFrame frame{whole.offload,
                   Octets(whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(length))};
    EXPECT_FALSE(Segments::of(frame.packet())) << length;
    if (length < ipv6_header) continue;
    put_word(frame.bytes, 4, length - ipv6_header);  // cut, with a matching length field
    EXPECT_FALSE(Segments::of(frame.packet())) << length;
  }
}

TEST(SegmentRefusal, HeadersBeyondTheLimit) {
  std::vector<Extension> extensions(15, options_extension(60, 32));  // 3840 octets
  const std::size_t short_of = Segments::max_headers - 3840 - ipv6_header - tcp_header;
  extensions.push_back(options_extension(60, short_of / 8));
  TunFrame fits = super_packet(Tcp{.payload = payload_of(3000), .extensions = extensions}, 1000);
  ASSERT_LE(fits.offload.header_length, Segments::max_headers);
  EXPECT_TRUE(Segments::of(fits.packet()));

  extensions.push_back(options_extension(60, 1));
  TunFrame beyond = super_packet(Tcp{.payload = payload_of(3000), .extensions = extensions}, 1000);
  ASSERT_GT(beyond.offload.header_length, Segments::max_headers);
  EXPECT_FALSE(Segments::of(beyond.packet()));
}

}  // namespace
}  // namespace sixin4::engine
