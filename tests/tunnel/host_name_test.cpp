// The far end's address, from an address or a host name in the configuration.
#include "host_name.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "../netlink/own_network.hpp"

namespace sixin4::tunnel::testing {
namespace {

using namespace netlink::testing;

TEST(HostNameTest, AnAddressIsReturnedUnchanged) {
  EXPECT_EQ(resolve_ipv4("192.0.2.254"), (wire::Ipv4Address{{192, 0, 2, 254}}));
}

TEST(HostNameTest, AHostNameIsResolved) {
  std::ifstream hosts{"/etc/hosts"};
  const std::string names{std::istreambuf_iterator<char>{hosts}, {}};
  if (names.find("localhost") == std::string::npos) GTEST_SKIP() << "/etc/hosts lacks localhost";
  EXPECT_EQ(resolve_ipv4("localhost"), (wire::Ipv4Address{{127, 0, 0, 1}}));
}

TEST(HostNameTest, TheErrorHasTheUnknownName) {
  if (!enter_own_network()) GTEST_SKIP() << "needs a network in which no name server answers";
  for (const std::string host : {"nowhere.invalid", "2001:db8::1", ""}) {
    try {
      static_cast<void>(resolve_ipv4(host));
      ADD_FAILURE() << host << " was resolved";
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(std::string{error.what()}.starts_with("cannot resolve remote " + host)) << error.what();
    }
  }
}

}  // namespace
}  // namespace sixin4::tunnel::testing
