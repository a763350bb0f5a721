// A network namespace for each test, commands in it, and text to network objects.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sixin4/netlink/netlink.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::netlink::testing {

/// Moves this process, which must have a single thread, into a new network namespace. Without the privilege
/// for that it becomes root of a new user namespace first. Returns false if the kernel refuses both.
[[nodiscard]] inline bool enter_own_network() {
  if (unshare(CLONE_NEWNET) == 0) return true;
  const auto uid = std::to_string(getuid());
  const auto gid = std::to_string(getgid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  // Without a uid map, ip(8) would lose the new capabilities in execve(2).
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " + uid + " 1";
  std::ofstream("/proc/self/gid_map") << "0 " + gid + " 1";
  return getuid() == 0;
}

/// The standard output of a shell command, which must succeed.
inline std::string run(const std::string& command) {
  std::string output;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "cannot run " << command;
    return output;
  }
  std::array<char, 4096> buffer{};
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), size);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

/// Adds an address and waits until packets to and from it pass. The kernel adds its route in a work queue
/// after ip(8) has returned, and a link that has just come up drops packets until its queue discipline is
/// attached.
inline void add_address(const std::string& address, const std::string& length, const std::string& link) {
  run("ip -6 address add " + address + "/" + length + " dev " + link + " nodad");
  run("timeout 10 sh -c 'until ip -6 route show table local " + address + " | grep -q . && ip -o link show " +
      link + " | grep -qv \"qdisc noop\"; do sleep 0.01; done'");
}

[[nodiscard]] inline std::size_t count(std::string_view text, std::string_view piece) {
  std::size_t found = 0;
  for (auto at = text.find(piece); at != std::string_view::npos; at = text.find(piece, at + piece.size()))
    ++found;
  return found;
}

[[nodiscard]] inline wire::Ipv4Address ip4(std::string_view text) {
  return wire::parse_ipv4_address(text).value();
}
[[nodiscard]] inline wire::Ipv6Address ip6(std::string_view text) {
  return wire::parse_ipv6_address(text).value();
}
[[nodiscard]] inline wire::Ipv6Prefix net6(std::string_view text) {
  return wire::parse_ipv6_prefix(text).value();
}

[[nodiscard]] inline InterfaceAddress on_link(std::string_view text) {
  return {.address = net6(text).address, .length = net6(text).length};
}

inline constexpr int no_such_link = 9999;

/// The std::system_error of a request.
struct Failure {
  int error = 0;  ///< an errno; 0 if the request succeeded
  std::string text;
};

[[nodiscard]] inline Failure failure_of(const std::function<void()>& operation) {
  try {
    operation();
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
  return {};
}

/// Drops CAP_NET_ADMIN during its lifetime.
class WithoutNetAdmin {
 public:
  WithoutNetAdmin() {
    syscall(SYS_capget, &header_, saved_.data());
    auto lowered = saved_;
    lowered[0].effective &= ~(1U << CAP_NET_ADMIN);
    EXPECT_EQ(syscall(SYS_capset, &header_, lowered.data()), 0);
  }
  ~WithoutNetAdmin() { EXPECT_EQ(syscall(SYS_capset, &header_, saved_.data()), 0); }
  WithoutNetAdmin(const WithoutNetAdmin&) = delete;
  WithoutNetAdmin& operator=(const WithoutNetAdmin&) = delete;
  WithoutNetAdmin(WithoutNetAdmin&&) = delete;
  WithoutNetAdmin& operator=(WithoutNetAdmin&&) = delete;

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> saved_{};
};

/// Two links, `sixin4` and `far`, the ends of a veth pair. Both are down and get no link-local addresses from
/// the kernel, because their duplicate address detection would run in the background.
class OwnNetwork : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the privilege to create a network namespace";
    run("ip link add sixin4 type veth peer name far");
    run("ip link set sixin4 addrgenmode none && ip link set far addrgenmode none");
    link_ = static_cast<int>(if_nametoindex("sixin4"));
    far_ = static_cast<int>(if_nametoindex("far"));
  }

  static void bring_up() { run("ip link set far up && ip link set sixin4 up"); }

  int link_ = 0;
  int far_ = 0;
};

}  // namespace sixin4::netlink::testing
