// The JSON object that answers `show`.
#include "sixin4/control/status.hpp"

#include <string>

#include <gtest/gtest.h>

#include "statuses.hpp"

namespace sixin4::control::testing {
namespace {

TEST(StatusTest, MachinesGetEveryNameOfTheFormat) {
  EXPECT_EQ(
      to_json(busy()),
      R"({"interface":"he6","local":"192.0.2.1","remote":"192.0.2.2","state":"up","mtu":1480,)"
      R"("path_mtu":1500,"wire":"raw","wire_reason":"as configured",)"
      R"("offload":{"in_force":["tun-in-udp"],"missing":{"tun-in-tcp":"refused"}},"uptime_s":12.5,"out":{"packets":10,"bytes":12800,"icmp_errors":1},)"
      R"("in":{"packets":18446744073709551615,"bytes":9000,"icmp_errors":0},)"
      R"("drops":{"out":{"too-big":1},"in":{"ecn-invalid":2,"outer-source-mismatch":3}},)"
      R"("far_end":{"rtt_ms":8.1,"loss":0.25,"last_heard_s":0.4},"flows":0})");
}

TEST(StatusTest, TypesStayTheSameWhereThereIsNothingToTell) {
  EXPECT_EQ(
      to_json(fresh()),
      R"({"interface":"sixin4","local":"192.0.2.1","remote":"192.0.2.2","state":"down","mtu":1280,)"
      R"("path_mtu":0,"wire":"raw","wire_reason":"as configured",)"
      R"("offload":{"in_force":[],"missing":{}},"uptime_s":0.0,"out":{"packets":0,"bytes":0,"icmp_errors":0},)"
      R"("in":{"packets":0,"bytes":0,"icmp_errors":0},"drops":{"out":{},"in":{}},)"
      R"("far_end":{"rtt_ms":null,"loss":null,"last_heard_s":null},"flows":0})");
}

}  // namespace
}  // namespace sixin4::control::testing
