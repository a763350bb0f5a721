// The subscriptions to netlink's multicast groups.
#include "sixin4/netlink/netlink_monitor.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::netlink {
namespace {

struct Subscription {
  int protocol;
  std::vector<int> groups;
};

Subscription subscription_to(Subject subject) {
  switch (subject) {
    case Subject::configuration:
      // The IPv4 rules are here because the path to the far end follows them.
      return {NETLINK_ROUTE,
              {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_NEXTHOP,
               RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE}};
    case Subject::neighbours:
      return {NETLINK_ROUTE, {RTNLGRP_NEIGH}};
    case Subject::nftables:
      return {NETLINK_NETFILTER, {NFNLGRP_NFTABLES}};
    case Subject::ipsec_policies:
      return {NETLINK_XFRM, {XFRMNLGRP_POLICY}};
  }
  return {};
}

/// Binds the socket and joins the multicast groups. The kernel does not deliver a multicast to sockets with
/// the port of its sender. The kernel itself sends from port 0, which is also the port of an unbound socket.
bool subscribe(int fd, const std::vector<int>& groups) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  return std::ranges::all_of(groups, [fd](int group) {
    return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
  });
}

}  // namespace

NetlinkMonitor::NetlinkMonitor(Subject subject) {
  const Subscription subscription = subscription_to(subject);
  fd_ = base::FileDescriptor{
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, subscription.protocol)};
  if (!fd_ && errno == EPROTONOSUPPORT) return;
  if (!fd_) throw base::system_failure("cannot open a netlink socket");
  if (!subscribe(fd_.get(), subscription.groups))
    throw base::system_failure("cannot subscribe to changes of the host's network");
}

// NOLINTNEXTLINE(readability-make-member-function-const): it removes the events.
bool NetlinkMonitor::drain() {
  bool any = false;
  while (fd_) {
    // The content of an event is not needed. The kernel discards the rest of a datagram after one byte is
    // read.
    char first = 0;
    if (recv(fd_.get(), &first, sizeof first, 0) >= 0 || errno == ENOBUFS) {
      any = true;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return any;
    } else if (errno != EINTR) {
      throw base::system_failure("cannot read changes of the host's network");
    }
  }
  return any;
}

}  // namespace sixin4::netlink
