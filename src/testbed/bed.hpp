// The bed of a measurement: two hosts of one processor each, with a cable between two network cards.
#pragma once

#include "side.hpp"

namespace sixin4::testbed {

/// A veth pair passes packets of 64 KiB whole and runs the receiver inside of the sender's call. This one
/// behaves like network cards: it takes full-size packets only, hands them to a thread or interrupt on the
/// receiver's processor, in batches as interrupt moderation makes them, and pushes back when it is full.
/// Everything of a bed is in its namespaces, and goes with the last process that is in them.
struct Bed {
  explicit Bed(bool receive_offload);

  Side near;
  Side far;
};

}  // namespace sixin4::testbed
