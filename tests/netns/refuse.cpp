// Runs a program whose system calls fail as chosen. It uses the user notification of seccomp(2), which works
// with every build and allows to read the memory that a call points to.
//   refuse [--log FILE] [--number N] [--matching TEXT]... [--while FILE] [--super-packets tcp|udp|all]
//   [--error NUMBER] PROGRAM ARGUMENT...
// --log: a line for each inspected call, numbered from 1. --number: call N fails. --matching: each call whose
// line contains TEXT fails. --while: they fail only while FILE exists. --error: the errno of the failures
// (default 1, EPERM). --super-packets: writes of such super-packets to a tun device fail with EINVAL.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

struct Name {
  int number;
  const char* name;
};

// clone is not among them, because the launcher needs it. glibc starts threads with clone3.
constexpr std::array calls{
    Name{SYS_socket, "socket"},
    Name{SYS_socketpair, "socketpair"},
    Name{SYS_bind, "bind"},
    Name{SYS_connect, "connect"},
    Name{SYS_listen, "listen"},
    Name{SYS_getsockname, "getsockname"},
    Name{SYS_setsockopt, "setsockopt"},
    Name{SYS_getsockopt, "getsockopt"},
    Name{SYS_sendto, "sendto"},
    Name{SYS_recvmsg, "recvmsg"},
    Name{SYS_recvfrom, "recvfrom"},
    Name{SYS_ioctl, "ioctl"},
    Name{SYS_openat, "openat"},
    Name{SYS_mkdirat, "mkdirat"},
    Name{SYS_unlinkat, "unlinkat"},
    Name{SYS_fchmodat, "fchmodat"},
    Name{SYS_eventfd2, "eventfd2"},
    Name{SYS_signalfd4, "signalfd4"},
    Name{SYS_epoll_create1, "epoll_create1"},
    Name{SYS_epoll_ctl, "epoll_ctl"},
    Name{SYS_getrandom, "getrandom"},
    Name{SYS_clone3, "clone3"},
    Name{SYS_fcntl, "fcntl"},
    Name{SYS_umask, "umask"},
    Name{SYS_fchown, "fchown"},
#ifdef SYS_mkdir
    Name{SYS_mkdir, "mkdir"},
    Name{SYS_unlink, "unlink"},
    Name{SYS_chmod, "chmod"},
    Name{SYS_rename, "rename"},
#endif
};

struct Plan {
  FILE* log = nullptr;
  long number = 0;
  std::vector<std::string> matching;
  std::string only_while;
  std::string super_packets;
  int error = EPERM;
  [[nodiscard]] bool inspects_calls() const { return log != nullptr || number != 0 || !matching.empty(); }
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(77);
}

std::vector<std::uint8_t> memory_of(pid_t pid, std::uint64_t address, std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  const iovec local{.iov_base = bytes.data(), .iov_len = length};
  // A string may end right before an unmapped page. Two vectors allow to read the part before it.
  const std::size_t in_page = std::min<std::size_t>(length, 4096 - address % 4096);
  const std::array remote{iovec{reinterpret_cast<void*>(address), in_page},
                          iovec{reinterpret_cast<void*>(address + in_page), length - in_page}};
  const ssize_t read = ::process_vm_readv(pid, &local, 1, remote.data(), remote.size(), 0);
  bytes.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
  return bytes;
}

std::string text_at(pid_t pid, std::uint64_t address) {
  const auto bytes = memory_of(pid, address, 200);
  return {bytes.begin(), std::ranges::find(bytes, 0)};
}

/// Whether the dynamic linker, the C library or a sanitizer opens this path for itself.
bool is_of_runtime(std::string_view path) {
  return path.find(".so") != path.npos ||
         std::ranges::any_of(
             std::array{"/usr/", "/lib", "/proc/self", "/sys/devices", "/sys/fs/cgroup", "/etc/ld"},
             [&](const char* start) { return path.starts_with(start); });
}

/// The call as a line of the log; empty: it is not a call of the program itself.
std::string line_of(const seccomp_notif& call) {
  const auto* const entry = std::ranges::find(calls, call.data.nr, &Name::number);
  std::string line = entry->name;
  const auto pid = static_cast<pid_t>(call.pid);
  const auto add = [&line](const std::string& more) { line += " " + more; };
  const auto& arguments = call.data.args;
  switch (call.data.nr) {
    case SYS_openat:
      if (is_of_runtime(text_at(pid, arguments[1]))) return {};
      add(text_at(pid, arguments[1]));
      break;
    case SYS_ioctl: {
      std::array<char, 16> number{};
      std::snprintf(number.data(), number.size(), "%#lx", static_cast<unsigned long>(arguments[1]));
      add(number.data());
      if ((arguments[1] & 0xffffU) == 0x54caU) {  // TUNSETIFF: the flags
        const auto request = memory_of(pid, arguments[2], 18);
        if (request.size() != 18) break;
        std::snprintf(number.data(), number.size(), "%#x", request[16] | unsigned{request[17]} << 8U);
        add(number.data());
      }
      break;
    }
    case SYS_socket:
    case SYS_setsockopt:
    case SYS_getsockopt:
      for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        if (i != 0 || call.data.nr == SYS_socket) add(std::to_string(arguments[i]));
      }
      break;
    case SYS_sendto: {  // to netlink: the message type
      const auto message = memory_of(pid, arguments[1], 6);
      if (message.size() == 6) add(std::to_string(message[4] | unsigned{message[5]} << 8U));
      break;
    }
    case SYS_fcntl:
      if (arguments[1] != F_DUPFD_CLOEXEC) return {};
      add("F_DUPFD_CLOEXEC");
      break;
    case SYS_getrandom:
      if (arguments[2] != 0) return {};  // a call of the C library
      break;
    default:
      break;
  }
  return line;
}

bool is_super_packet(const seccomp_notif& call, const Plan& plan) {
  const auto pid = static_cast<pid_t>(call.pid);
  iovec first{};
  const auto bytes = memory_of(pid, call.data.args[1], sizeof first);
  if (bytes.size() != sizeof first) return false;
  std::memcpy(&first, bytes.data(), sizeof first);
  if (first.iov_len != 10) return false;
  const auto header = memory_of(pid, reinterpret_cast<std::uint64_t>(first.iov_base), first.iov_len);
  if (header.size() != first.iov_len) return false;
  const unsigned kind = header[1] & 0x7fU;
  return (kind == 4 && plan.super_packets != "udp") || (kind == 5 && plan.super_packets != "tcp");
}

int install_filter(const Plan& plan) {
  std::vector<int> numbers;
  if (plan.inspects_calls()) {
    for (const Name& call : calls) numbers.push_back(call.number);
  }
  if (!plan.super_packets.empty()) numbers.push_back(SYS_writev);
  std::vector<sock_filter> program;
  const auto add = [&](unsigned code, std::uint32_t k, std::size_t if_true = 0, std::size_t if_false = 0) {
    program.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                       static_cast<std::uint8_t>(if_false), k});
  };
  // The filter applies to the supervisor too, so it must allow the ioctl(2) of the supervisor.
  constexpr std::uint32_t low = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4;
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + 8 + low);
  add(BPF_ALU | BPF_AND | BPF_K, 0xff00);
  add(BPF_ALU | BPF_RSH | BPF_K, 8);
  add(BPF_MISC | BPF_TAX, 0);
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  add(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4);
  add(BPF_MISC | BPF_TXA, 0);
  add(BPF_JMP | BPF_JEQ | BPF_K, 'T', 1, 0);  // the type of the ioctls of tun devices and terminals
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(numbers[i]), numbers.size() - i);
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  add(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("refuse: PR_SET_NO_NEW_PRIVS");
  const long listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (listener < 0) fail("refuse: seccomp");
  return static_cast<int>(listener);
}

void supervise(int listener, const Plan& plan) {
  long number = 0;
  for (;;) {
    seccomp_notif call{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
      if (errno == EINTR || errno == ENOENT) continue;
      return;
    }
    int error = 0;
    if (call.data.nr == SYS_writev) {
      if (is_super_packet(call, plan)) error = EINVAL;
    } else if (const std::string line = line_of(call); !line.empty()) {
      ++number;
      const bool matches = std::ranges::any_of(
          plan.matching, [&](const std::string& text) { return (line + " ").find(text + " ") != line.npos; });
      const bool is_active = plan.only_while.empty() || ::access(plan.only_while.c_str(), F_OK) == 0;
      if (is_active && (number == plan.number || matches)) error = plan.error;
      if (plan.log != nullptr) {
        std::fprintf(plan.log, "%ld %s%s\n", number, line.c_str(), error != 0 ? " refused" : "");
        std::fflush(plan.log);
      }
    }
    seccomp_notif_resp answer{.id = call.id,
                              .val = 0,
                              .error = -error,
                              .flags = error == 0 ? std::uint32_t{SECCOMP_USER_NOTIF_FLAG_CONTINUE} : 0U};
    (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  int next = 1;
  for (; next + 1 < argc && std::string_view{argv[next]}.starts_with("--"); next += 2) {
    const std::string_view option = argv[next];
    const char* const value = argv[next + 1];
    if (option == "--log")
      plan.log = std::fopen(value, "we");
    else if (option == "--number")
      plan.number = std::atol(value);
    else if (option == "--matching")
      plan.matching.emplace_back(value);
    else if (option == "--while")
      plan.only_while = value;
    else if (option == "--super-packets")
      plan.super_packets = value;
    else if (option == "--error")
      plan.error = std::atoi(value);
    else
      break;
  }
  if (next >= argc) {
    std::fputs("refuse: give a program\n", stderr);
    return 1;
  }
  const pid_t parent = ::getpid();
  const int listener = install_filter(plan);
  const pid_t child = ::fork();
  if (child < 0) fail("refuse: fork");
  if (child == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) return 0;
    for (const int fd : {0, 1, 2}) (void)::close(fd);
    supervise(listener, plan);
    return 0;
  }
  (void)::close(listener);
  ::execvp(argv[next], argv + next);
  fail(argv[next]);
}
