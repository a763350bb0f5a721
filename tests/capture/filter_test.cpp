// Filters in tcpdump's language, applied to packets without a link layer.
#include "sixin4/capture/filter.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "../engine/packets.hpp"

namespace sixin4::capture {
namespace {

using namespace test;

bool matches(const std::string& expression, const Octets& packet) {
  return Filter{expression}.matches(packet, static_cast<std::uint32_t>(packet.size()));
}

TEST(Filter, LooksAtInnerPackets) {
  const Octets packet =
      packet_of(Udp{.payload = payload_of(10), .source = near_host, .destination = far_host});
  for (const char* const expression :
       {"", "ip6", "udp", "host 2001:db8:2::b", "src host 2001:db8:1::a and udp", "net 2001:db8:1::/48",
        "not tcp", "less 100", "ip6[6] == 17"}) {
    EXPECT_TRUE(matches(expression, packet)) << expression;
  }
  for (const char* const expression : {"ip", "tcp", "host 2001:db8:2::c", "greater 100", "not ip6"}) {
    EXPECT_FALSE(matches(expression, packet)) << expression;
  }
}

TEST(Filter, LooksAtOuterPackets) {
  const Octets packet = outer_packet(packet_of(Udp{.payload = payload_of(10)}));
  for (const char* const expression : {"ip", "ip proto 41", "host 192.0.2.1", "ip[8] > 0"}) {
    EXPECT_TRUE(matches(expression, packet)) << expression;
  }
  for (const char* const expression : {"host 192.0.2.77", "ip proto 17"}) {
    EXPECT_FALSE(matches(expression, packet)) << expression;
  }
}

TEST(Filter, GoesByTheLengthOfTheWholePacket) {
  const Octets packet = packet_of(Udp{.payload = payload_of(1000)});
  const Filter filter{"greater 1000"};
  EXPECT_TRUE(filter.matches(wire::Bytes{packet}.first(60), 1048));
  EXPECT_FALSE(filter.matches(wire::Bytes{packet}.first(60), 60));
}

TEST(Filter, WhatIsNotThereMatchesNothing) {
  EXPECT_FALSE(matches("udp port 53", {}));
  EXPECT_FALSE(matches("ip6[6] == 17", Octets(3, 0x60)));
  EXPECT_TRUE(matches("", {}));
}

TEST(Filter, AMistakeIsNamed) {
  for (const char* const expression : {"ip6 and", "prot udp", "host", "ip6[", "host no.such.host.invalid"}) {
    try {
      const Filter filter{expression};
      ADD_FAILURE() << expression;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string{error.what()}.find(expression), std::string::npos) << error.what();
      EXPECT_GT(std::string{error.what()}.size(), std::string{expression}.size() + 12);
    }
  }
}

TEST(Filter, WhatOnlyAKernelKnowsIsRefused) {
  for (const char* expression : {"inbound", "outbound", "not inbound", "tcp and outbound"}) {
    EXPECT_THROW(Filter{expression}, std::invalid_argument) << expression;
  }
}

TEST(Filter, MovesWithItsProgram) {
  Filter first{"udp"};
  const Filter second{std::move(first)};
  EXPECT_TRUE(second.matches(packet_of(Udp{}), 48));
  EXPECT_FALSE(second.matches(packet_of(Tcp{}), 60));
}

}  // namespace
}  // namespace sixin4::capture
