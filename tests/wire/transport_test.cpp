// TCP and UDP fields, compared with libtins.
#include "sixin4/wire/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

namespace sixin4::wire {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets tcp_header(bool options = false) {
  Tins::TCP tcp(443, 40000);
  tcp.seq(0xfedcba98);
  tcp.flags(Tins::TCP::FIN | Tins::TCP::PSH | Tins::TCP::CWR);
  if (options) {
    tcp.add_option(Tins::TCP::option(Tins::TCP::NOP));
    tcp.add_option(Tins::TCP::option(Tins::TCP::NOP));
    tcp.timestamp(1, 2);
  }
  return tcp.serialize();
}

tcp::Header<const std::uint8_t> view(const Octets& octets) {
  return Bytes{octets}.first<tcp::min_header_size>();
}

TEST(Tcp, ReadsTheFieldsThatLibtinsWrote) {
  const Octets header = tcp_header();
  EXPECT_EQ(tcp::sequence_number(view(header)), 0xfedcba98U);
  EXPECT_EQ(tcp::header_length(view(header)), 20U);
  EXPECT_EQ(tcp::flags(view(header)), tcp::flag_fin | tcp::flag_psh | tcp::flag_cwr);
  EXPECT_EQ(tcp::header_length(view(tcp_header(true))), 32U);
}

TEST(Tcp, WritesWhatLibtinsReads) {
  Octets header = tcp_header();
  const auto fields = MutableBytes{header}.first<tcp::min_header_size>();
  tcp::set_sequence_number(fields, 0x01020304);
  tcp::set_flags(fields, 0x10);
  const Tins::TCP parsed(header.data(), static_cast<std::uint32_t>(header.size()));
  EXPECT_EQ(parsed.seq(), 0x01020304U);
  EXPECT_EQ(parsed.flags(), Tins::TCP::ACK);
  EXPECT_EQ(parsed.sport(), 40000);
  EXPECT_EQ(parsed.dport(), 443);
  EXPECT_EQ(parsed.data_offset(), 5);
}

TEST(Udp, WritesWhatLibtinsReads) {
  Octets header = Tins::UDP(53, 40000).serialize();
  udp::set_length(MutableBytes{header}.first<udp::header_size>(), 0x0123);
  const Tins::UDP parsed(header.data(), static_cast<std::uint32_t>(header.size()));
  EXPECT_EQ(parsed.length(), 0x0123);
  EXPECT_EQ(parsed.dport(), 53);
}

// RFC 9293 §3.1, RFC 768
TEST(TransportChecksumOffset, IsKnownForTcpAndUdpOnly) {
  for (unsigned protocol = 0; protocol < 256; ++protocol) {
    const auto offset = transport_checksum_offset(static_cast<std::uint8_t>(protocol));
    switch (protocol) {
      case 6:
        EXPECT_EQ(offset, 16U);
        break;
      case 17:
        EXPECT_EQ(offset, 6U);
        break;
      default:
        EXPECT_FALSE(offset) << protocol;
    }
  }
}

TEST(TransportHeaderLength, CountsTcpOptions) {
  EXPECT_EQ(transport_header_length(tcp_header(), next_header::tcp, 0), 20U);
  EXPECT_EQ(transport_header_length(tcp_header(true), next_header::tcp, 0), 32U);
}

TEST(TransportHeaderLength, OfUdpIsEight) {
  EXPECT_EQ(transport_header_length(Octets(100, 0xff), next_header::udp, 3), 8U);
}

TEST(TransportHeaderLength, OfAnotherProtocolIsUnknown) {
  for (const unsigned protocol : {0U, 1U, 58U, 132U, 136U}) {
    EXPECT_EQ(transport_header_length(Octets(100), static_cast<std::uint8_t>(protocol), 0), 0U) << protocol;
  }
}

TEST(TransportHeaderLength, EveryDataOffsetIsJudged) {
  Octets packet(60);
  for (unsigned words = 0; words < 16; ++words) {
    packet[12] = static_cast<std::uint8_t>(words << 4U);
    const auto length = transport_header_length(packet, next_header::tcp, 0);
    EXPECT_EQ(length, words >= 5 ? std::size_t{4} * words : 0) << words;
  }
}

TEST(TransportHeaderLength, AHeaderCutAtAnyByteIsRefused) {
  const Octets whole = tcp_header(true);
  for (const std::size_t before : {0U, 40U}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      Octets packet(before);
      packet.insert(packet.end(), whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      const Octets exact(packet);
      EXPECT_EQ(transport_header_length(exact, next_header::tcp, before), 0U) << length;
      EXPECT_EQ(transport_header_length(exact, next_header::udp, before), length >= 8 ? 8U : 0U) << length;
    }
  }
}

TEST(TransportHeaderLength, AnOffsetBeyondThePacketIsRefused) {
  const Octets packet(100, 0x55);
  for (const std::size_t offset : {std::size_t{101}, std::numeric_limits<std::size_t>::max()}) {
    EXPECT_EQ(transport_header_length(packet, next_header::tcp, offset), 0U);
    EXPECT_EQ(transport_header_length(packet, next_header::udp, offset), 0U);
  }
}

}  // namespace
}  // namespace sixin4::wire
