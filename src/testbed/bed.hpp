// The testbed of a measurement: two hosts with one processor each, and a veth pair that behaves like a cable
// between two network cards.
#pragma once

#include "side.hpp"

namespace sixin4::testbed {

/// A plain veth pair passes packets of 64 KiB whole and runs the receiver inside the sender's system call.
/// The testbed's pair behaves like network cards: it takes packets up to its MTU only, hands them to a thread
/// or soft interrupt on the receiver's processor, batches them as interrupt moderation does, and its queue
/// disciplines push back when they are full. All objects of a testbed are in its two namespaces, which the
/// kernel removes with the last process and descriptor that refer to them.
struct Bed {
  /// Needs root and two processors. Throws std::runtime_error, std::system_error for a failed system call.
  explicit Bed(bool receive_offload);

  Side near;
  Side far;
};

}  // namespace sixin4::testbed
