// Links, addresses and failures of Netlink requests to a real kernel, read back with ip(8).
#include "sixin4/netlink/netlink.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

/// A tun device with an open queue. `index` is 0 if the kernel refuses it.
class Tun {
 public:
  explicit Tun(const std::string& name) : fd_(open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(fd_, TUNSETIFF, &request) == 0) index_ = static_cast<int>(if_nametoindex(name.c_str()));
  }
  ~Tun() { close(fd_); }
  Tun(const Tun&) = delete;
  Tun& operator=(const Tun&) = delete;
  Tun(Tun&&) = delete;
  Tun& operator=(Tun&&) = delete;

  [[nodiscard]] int index() const noexcept { return index_; }

 private:
  int fd_;
  int index_ = 0;
};

class NetlinkLink : public OwnNetwork {
 protected:
  void SetUp() override {
    OwnNetwork::SetUp();
    if (!IsSkipped()) run("ip link set sixin4 address 02:00:00:00:00:01");
  }
  /// The link sixin4 with this MTU and state.
  [[nodiscard]] Link expected(std::uint32_t mtu, bool up) const {
    return {.index = link_,
            .name = "sixin4",
            .mtu = mtu,
            .up = up,
            .ethernet = wire::MacAddress{{2, 0, 0, 0, 0, 1}}};
  }
};
class NetlinkAddress : public OwnNetwork {};
class NetlinkRefusal : public OwnNetwork {};

TEST_F(NetlinkLink, IsFoundByNameAndByIndex) {
  Netlink netlink;
  EXPECT_EQ(netlink.link("sixin4"), expected(1500, false));
  EXPECT_EQ(netlink.link(link_), expected(1500, false));
}

TEST_F(NetlinkLink, ThatDoesNotExistIsNothing) {
  Netlink netlink;
  EXPECT_FALSE(netlink.link("nowhere"));
  EXPECT_FALSE(netlink.link(""));
  EXPECT_FALSE(netlink.link("a-name-that-no-link-can-have"));
  EXPECT_FALSE(netlink.link(no_such_link));
  EXPECT_FALSE(netlink.link(0));
  EXPECT_FALSE(netlink.link(-1));
}

TEST_F(NetlinkLink, TakesItsSettingsAndLeavesTheOthers) {
  Netlink netlink;
  netlink.configure_link(link_, {.mtu = 1480, .txqueuelen = 4000, .up = true});
  EXPECT_EQ(netlink.link(link_), expected(1480, true));
  auto shown = run("ip -j link show sixin4");
  EXPECT_EQ(count(shown, "\"mtu\":1480"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"txqlen\":4000"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"UP\""), 1U) << shown;

  netlink.configure_link(link_, {.mtu = 1280});
  netlink.configure_link(link_, {});
  EXPECT_EQ(netlink.link(link_), expected(1280, true));
  netlink.configure_link(link_, {.up = false});
  shown = run("ip -j link show sixin4");
  EXPECT_EQ(count(shown, "\"UP\""), 0U) << shown;
  EXPECT_EQ(count(shown, "\"txqlen\":4000"), 1U) << shown;
}

// On a tun device, because its carrier is up at once, so that the kernel adds the address during the request.
TEST_F(NetlinkLink, ComesUpWithoutALinkLocalAddressWhenToldSo) {
  const Tun with("with");
  const Tun without("without");
  if (with.index() == 0 || without.index() == 0) GTEST_SKIP() << "needs /dev/net/tun";
  Netlink netlink;
  netlink.configure_link(with.index(), {.up = true});
  netlink.configure_link(without.index(), {.up = true, .addrgenmode_none = true});
  EXPECT_EQ(count(run("ip -j -6 addr show dev with"), "\"local\":\"fe80:"), 1U);
  EXPECT_EQ(count(run("ip -j -6 addr show dev without"), "\"local\""), 0U);
}

TEST_F(NetlinkAddress, IsAddedOnceAndRemovedOnce) {
  bring_up();
  Netlink netlink;
  const auto address = on_link("2001:db8::2/64");
  netlink.add_address(link_, address);
  netlink.add_address(link_, address);
  const auto shown = run("ip -j -6 addr show dev sixin4");
  EXPECT_EQ(count(shown, "\"local\":\"2001:db8::2\",\"prefixlen\":64,\"scope\":\"global\",\"nodad\":true"),
            1U)
      << shown;
  EXPECT_EQ(count(shown, "\"tentative\""), 0U) << shown;
  EXPECT_EQ(netlink.addresses(link_), std::vector{address});
  EXPECT_TRUE(netlink.addresses(far_).empty());

  netlink.remove_address(link_, address);
  netlink.remove_address(link_, address);
  EXPECT_EQ(count(run("ip -j -6 addr show dev sixin4"), "\"local\""), 0U);
  EXPECT_TRUE(netlink.addresses(link_).empty());
}

TEST_F(NetlinkAddress, MayHaveAPeer) {
  bring_up();
  Netlink netlink;
  const InterfaceAddress address{.address = ip6("2001:db8::2"), .length = 64, .peer = ip6("2001:db8:1::1")};
  netlink.add_address(link_, address);
  netlink.add_address(link_, address);
  const auto shown = run("ip -j -6 addr show dev sixin4");
  EXPECT_EQ(count(shown, "\"local\":\"2001:db8::2\",\"address\":\"2001:db8:1::1\",\"prefixlen\":64"), 1U)
      << shown;
  EXPECT_EQ(netlink.addresses(link_), std::vector{address});
  netlink.remove_address(link_, address);
  EXPECT_EQ(count(run("ip -j -6 addr show dev sixin4"), "\"local\""), 0U);
}

TEST_F(NetlinkAddress, ThatIsItsOwnPeerIsListedWithout) {
  Netlink netlink;
  const auto address = ip6("2001:db8::2");
  netlink.add_address(link_, {.address = address, .length = 64, .peer = address});
  EXPECT_EQ(netlink.addresses(link_), std::vector{on_link("2001:db8::2/64")});
}

TEST_F(NetlinkAddress, InAnotherFormIsInTheWay) {
  Netlink netlink;
  netlink.add_address(link_, on_link("2001:db8::2/64"));
  const auto failure = failure_of([&] { netlink.add_address(link_, on_link("2001:db8::2/48")); });
  EXPECT_EQ(failure.error, EEXIST);
  EXPECT_TRUE(failure.text.starts_with("cannot add address 2001:db8::2/48 dev sixin4: ")) << failure.text;
  EXPECT_TRUE(failure.text.ends_with("File exists")) << failure.text;
}

TEST_F(NetlinkRefusal, NamesALinkThatDoesNotExist) {
  Netlink netlink;
  const auto failure = failure_of(
      [&] { netlink.add_route(no_such_link, {.prefix = net6("2001:db8::/32"), .table = 100, .metric = 5}); });
  EXPECT_EQ(failure.error, ENODEV);
  EXPECT_EQ(failure.text, "cannot add route 2001:db8::/32 dev if9999 table 100 metric 5: No such device");
  EXPECT_EQ(failure_of([&] { netlink.configure_link(no_such_link, {.mtu = 1280, .up = true}); }).text,
            "cannot set link if9999 mtu 1280 up: No such device");
  EXPECT_EQ(failure_of([&] { netlink.add_address(no_such_link, on_link("2001:db8::2/64")); }).error, ENODEV);
  EXPECT_EQ(failure_of([&] {
              static_cast<void>(netlink.path_to({.destination = ip4("192.0.2.1"), .oif = no_such_link}));
            }).error,
            ENODEV);
}

TEST_F(NetlinkRefusal, OfWhatIsOnALinkThatDoesNotExistIsNone) {
  Netlink netlink;
  EXPECT_TRUE(netlink.addresses(no_such_link).empty());
  EXPECT_TRUE(netlink.routes(no_such_link, main_table).empty());
  netlink.remove_address(no_such_link, on_link("2001:db8::2/64"));
  netlink.remove_route(no_such_link, {.prefix = net6("2001:db8::/32")});
}

TEST_F(NetlinkRefusal, CarriesTheKernelsExplanation) {
  Netlink netlink;
  const auto failure = failure_of([&] { netlink.add_route(link_, {.prefix = net6("2001:db8::/32")}); });
  EXPECT_EQ(failure.error, ENETDOWN);
  EXPECT_EQ(failure.text,
            "cannot add route 2001:db8::/32 dev sixin4: Nexthop device is not up: Network is down");
}

TEST_F(NetlinkRefusal, OfThePrivilegeNamesTheOperation) {
  bring_up();
  Netlink netlink;
  const InterfaceAddress address{.address = ip6("2001:db8::2"), .length = 64, .peer = ip6("2001:db8::1")};
  const Ipv6Route route{.prefix = net6("2001:db8::/32"), .table = 100};
  const Rule rule{.from = net6("2001:db8::/32"), .table = 100, .priority = 9};
  const WithoutNetAdmin lowered;
  const std::string reason = ": Operation not permitted";
  EXPECT_EQ(failure_of([&] { netlink.add_route(link_, route); }).text,
            "cannot add route 2001:db8::/32 dev sixin4 table 100" + reason);
  EXPECT_EQ(failure_of([&] { netlink.remove_route(link_, route); }).text,
            "cannot remove route 2001:db8::/32 dev sixin4 table 100" + reason);
  EXPECT_EQ(failure_of([&] { netlink.add_address(link_, address); }).text,
            "cannot add address 2001:db8::2 peer 2001:db8::1/64 dev sixin4" + reason);
  EXPECT_EQ(failure_of([&] { netlink.add_rule(rule); }).text,
            "cannot add rule from 2001:db8::/32 table 100 priority 9" + reason);
  EXPECT_EQ(
      failure_of([&] { netlink.add_rule({.from = {}, .to = net6("2001:db8::/64"), .priority = 9}); }).text,
      "cannot add rule from all to 2001:db8::/64 table main priority 9" + reason);
  EXPECT_EQ(failure_of([&] { netlink.configure_link(link_, {.up = false, .addrgenmode_none = true}); }).text,
            "cannot set link sixin4 addrgenmode none down" + reason);
  EXPECT_EQ(netlink.link("sixin4").value().index, link_) << "a query needs no privilege";
}

TEST_F(NetlinkRefusal, LeavesTheSocketUsable) {
  Netlink first;
  Netlink netlink = std::move(first);
  EXPECT_NE(failure_of([&] { netlink.add_address(no_such_link, on_link("2001:db8::2/64")); }).error, 0);
  netlink.add_address(link_, on_link("2001:db8::2/64"));
  EXPECT_EQ(netlink.addresses(link_).size(), 1U);
}

}  // namespace
}  // namespace sixin4::netlink::testing
