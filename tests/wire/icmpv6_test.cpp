// ICMPv6 message types (RFC 4443).
#include "sixin4/wire/icmpv6.hpp"

#include <cstdint>

#include <gtest/gtest.h>
#include <tins/tins.h>

namespace sixin4::wire {
namespace {

// RFC 4443 §2.1: the high bit of the type is clear in errors.
TEST(Icmpv6, ErrorsAreTheTypesBelow128) {
  for (unsigned type = 0; type < 256; ++type) {
    EXPECT_EQ(icmpv6::is_error(static_cast<std::uint8_t>(type)), type <= 127) << type;
  }
}

TEST(Icmpv6, TypesAreThoseThatLibtinsKnows) {
  EXPECT_EQ(icmpv6::type_packet_too_big, Tins::ICMPv6::PACKET_TOOBIG);
  EXPECT_EQ(icmpv6::type_redirect, Tins::ICMPv6::REDIRECT);
}

// RFC 4443 §3.2
TEST(Icmpv6, PacketTooBigCarriesTheMtu) {
  static_assert(icmpv6::packet_too_big(1280) == icmpv6::Error{.type = 2, .code = 0, .parameter = 1280});
  static_assert(icmpv6::packet_too_big(1280) != icmpv6::packet_too_big(1281));
}

}  // namespace
}  // namespace sixin4::wire
