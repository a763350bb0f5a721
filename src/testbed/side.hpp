// One of the two hosts of the bed: a network namespace and a processor.
#pragma once

#include <string>
#include <vector>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::testbed {

struct Side {
  std::string name;
  std::string link;      ///< the name of its end of the cable
  std::string ethernet;  ///< the cable end's address
  std::string ipv4;      ///< its address on the cable
  std::string ipv6;      ///< its address in the tunnel
  int processor = 0;
  base::FileDescriptor network;
  base::FileDescriptor mounts;  ///< a mount namespace whose /sys and /run are this side's own

  /// Makes the two namespaces; the kernel removes them with the last process and descriptor that refer to
  /// them.
  void make_namespaces();
  /// Puts the calling process, a child of its own, on this side.
  void enter() const;
  /// Runs a command here to its end. Throws with what it said where it fails.
  void run(const std::vector<std::string>& command) const;
};

/// The processors of the two sides: the first two that this process may use.
[[nodiscard]] std::vector<int> two_processors();

/// Binds a process or kernel thread to one processor; 0 is the caller.
void pin(int process, int processor);

/// For files of /sys and /proc: one value, one write.
void write_value(const std::string& path, const std::string& value);

}  // namespace sixin4::testbed
