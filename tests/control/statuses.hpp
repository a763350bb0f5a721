// Statuses of two endpoints: one with traffic, one just started.
#pragma once

#include "sixin4/control/status.hpp"

namespace sixin4::control::testing {

inline Status busy() {
  return {.interface = "he6",
          .local = "192.0.2.1",
          .remote = "192.0.2.2",
          .state = EndpointState::up,
          .mtu = 1480,
          .path_mtu = 1500,
          .wire = "raw",
          .wire_reason = "as configured",
          .offload = {{"tun-in-tcp", "refused"}, {"tun-in-udp", ""}},
          .uptime_s = 12.5,
          .out = {.packets = 10, .bytes = 12800, .icmp_errors = 1, .drops = {{"too-big", 1}}},
          .in = {.packets = 18446744073709551615U,
                 .bytes = 9000,
                 .drops = {{"outer-source-mismatch", 3}, {"ecn-invalid", 2}}},
          .last_heard_s = 0.4,
          .rtt_ms = 8.1,
          .loss = 0.25};
}

inline Status fresh() {
  Status status;
  status.interface = "sixin4";
  status.local = "192.0.2.1";
  status.remote = "192.0.2.2";
  status.mtu = 1280;
  status.wire = "raw";
  status.wire_reason = "as configured";
  return status;
}

}  // namespace sixin4::control::testing
