// Which source addresses leave through the tunnel, and which never enter.
#include "sixin4/engine/source.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/wire/ipv6.hpp"

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

Octets udp_from(const std::string& source) {
  return packet_of(Udp{.payload = payload_of(8), .source = source});
}

Octets icmp_from(const std::string& source, const std::vector<Extension>& extensions = {}) {
  Octets packet = serialized(source, "ff02::16", 0, Tins::RawPDU(Octets{143, 0, 0, 0, 0, 0, 0, 0}));
  packet[6] = 58;
  return with_extensions(packet, extensions);
}

TEST(EgressFilter, LetsOurOwnAndLinkLocalSourcesOut) {
  const TunnelParameters parameters = near_parameters();
  for (const char* source : {"2001:db8:1::a", "2001:db8:1:ffff::", "fe80::1", "febf:ffff::1"}) {
    EXPECT_TRUE(may_leave(parameters, udp_from(source))) << source;
  }
}

TEST(EgressFilter, KeepsAllOthers) {
  const TunnelParameters parameters = near_parameters();
  for (const char* source : {"2001:db8:2::b", "2001:db8:0:ffff::1", "2002:c000:201::1", "fec0::1", "fd00::1",
                             "::1", "ff02::1", "::ffff:192.0.2.1"}) {
    EXPECT_FALSE(may_leave(parameters, udp_from(source))) << source;
  }
}

// Duplicate address detection, router solicitation, and listener reports of a host without an address.
TEST(EgressFilter, LetsTheUnspecifiedSourceOutForIcmpOnly) {
  const TunnelParameters parameters = near_parameters();
  EXPECT_FALSE(may_leave(parameters, udp_from("::")));
  EXPECT_TRUE(may_leave(parameters, icmp_from("::")));
  EXPECT_TRUE(may_leave(parameters, icmp_from("::", {options_extension(0, 1)}))) << "with a router alert";
}

TEST(EgressFilter, JudgesTheStartOfAPacketLikeAllOfIt) {
  const TunnelParameters parameters = near_parameters();
  EXPECT_TRUE(may_leave(parameters, wire::Bytes{udp_from(near_host)}.first(ipv6_header)));
  EXPECT_FALSE(may_leave(parameters, wire::Bytes{udp_from(far_host)}.first(ipv6_header)));
  EXPECT_FALSE(may_leave(parameters, wire::Bytes{udp_from(near_host)}.first(ipv6_header - 1)));
  EXPECT_FALSE(may_leave(parameters, {}));
}

// RFC 4213 §3.6
TEST(InnerSource, SomeAreNeverValid) {
  const auto source_of = [](const std::string& text) {
    return wire::Ipv6Header::at(udp_from(text))->source().address;
  };
  for (const char* source : {"ff02::1", "ff0e::1", "::1", "::2", "::192.0.2.1", "::ffff:192.0.2.1"}) {
    EXPECT_TRUE(is_never_a_source(source_of(source))) << source;
  }
  for (const char* source :
       {"::", "2002:c000:201::1", "fe80::1", "2001:db8::1", "::1:0:0:1", "::fffe:1.2.3.4"}) {
    EXPECT_FALSE(is_never_a_source(source_of(source))) << source;
  }
}

}  // namespace
}  // namespace sixin4::engine
