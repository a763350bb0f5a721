// One of the two hosts of the testbed: a network namespace and a processor.
#pragma once

#include <string>
#include <vector>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::testbed {

struct Side {
  std::string name;
  std::string link;      ///< name of its end of the veth pair
  std::string ethernet;  ///< MAC address of the link
  std::string ipv4;      ///< address on the link, which has a prefix length of 24
  std::string ipv6;      ///< address in the tunnel
  int processor = 0;
  base::FileDescriptor network;
  base::FileDescriptor mounts;  ///< a mount namespace with a separate /sys and /run

  /// Creates the two namespaces. The kernel removes them with the last process and descriptor that refer to
  /// them. Throws std::runtime_error.
  void make_namespaces();
  /// Moves the calling process into the namespaces and binds it to the processor. Call it in a child only.
  /// Throws std::system_error.
  void enter() const;
  /// Runs a command on this side and waits for its end, 10 seconds at most. Throws std::runtime_error with
  /// its output if it fails.
  void run(const std::vector<std::string>& command) const;
};

/// The first two processors that this process may use. Throws std::runtime_error if there is only one.
[[nodiscard]] std::vector<int> two_processors();

/// Binds a process or kernel thread to one processor; process 0 is the caller. Throws std::system_error.
void pin(int process, int processor);

/// Writes a value to a file of /sys or /proc in one write(2). Throws std::system_error.
void write_value(const std::string& path, const std::string& value);

}  // namespace sixin4::testbed
