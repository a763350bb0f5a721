// Namespaces and processor affinity of a side.
#include "side.hpp"

#include <chrono>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/testbed/process.hpp"

namespace sixin4::testbed {

namespace {

constexpr std::chrono::seconds command_timeout{10};

/// Moves this process into new namespaces. They exist while the process lives or a descriptor refers to them.
void unshare_namespaces() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
    throw base::system_failure(
        "cannot create a network namespace (unshare); needs root, in a container with all capabilities");
  }
  // MS_PRIVATE keeps the mounts out of the host's namespace. A sysfs shows the links of the network namespace
  // that mounted it. The host's sysfs is detached, because tc(8) would look for a bpf file system below it.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::umount2("/sys", MNT_DETACH) != 0 || ::mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0 ||
      ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0) {
    throw base::system_failure("cannot mount a /sys and a /run for a network namespace (mount); needs root");
  }
}

base::FileDescriptor open_namespace(pid_t process, const std::string& kind) {
  const std::string path = "/proc/" + std::to_string(process) + "/ns/" + kind;
  base::FileDescriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw base::system_failure("cannot open a namespace (" + path + ')');
  return fd;
}

}  // namespace

void Side::make_namespaces() {
  Job<bool> holder{"the " + name + " side", [](const auto& ready) {
                     unshare_namespaces();
                     ready();
                     return ::pause() == 0;
                   }};
  holder.wait_until_ready(Clock::now() + command_timeout);
  network = open_namespace(holder.id(), "net");
  mounts = open_namespace(holder.id(), "mnt");
}

void Side::enter() const {
  if (::setns(network.get(), CLONE_NEWNET) != 0 || ::setns(mounts.get(), CLONE_NEWNS) != 0) {
    throw base::system_failure("cannot enter the " + name + " side's namespaces (setns); needs root");
  }
  pin(0, processor);
}

void Side::run(const std::vector<std::string>& command) const {
  std::string name_of_command;
  for (const std::string& word : command) name_of_command += (name_of_command.empty() ? "" : " ") + word;
  Process process{[&] {
    enter();
    execute(command);
  }};
  expect_success(process, name_of_command, Clock::now() + command_timeout);
}

std::vector<int> two_processors() {
  cpu_set_t allowed{};
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    throw base::system_failure("cannot list the usable processors (sched_getaffinity)");
  }
  std::vector<int> found;
  for (int processor = 0; processor < CPU_SETSIZE && found.size() < 2; ++processor) {
    if (CPU_ISSET(processor, &allowed)) found.push_back(processor);
  }
  if (found.size() < 2) throw std::runtime_error("needs two processors, one for each end of the tunnel");
  return found;
}

void pin(int process, int processor) {
  cpu_set_t only{};
  CPU_SET(processor, &only);
  if (::sched_setaffinity(process, sizeof only, &only) != 0) {
    throw base::system_failure("cannot bind process " + std::to_string(process) + " to processor " +
                               std::to_string(processor) +
                               " (sched_setaffinity); needs root outside of any user namespace");
  }
}

void write_value(const std::string& path, const std::string& value) {
  const base::FileDescriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file || ::write(file.get(), value.data(), value.size()) < 0) {
    throw base::system_failure("cannot write " + value + " to " + path + "; needs root");
  }
}

}  // namespace sixin4::testbed
