#include "sixin4/cli/capture.hpp"

#include "capture_plan.hpp"
#include "live_capture.hpp"

namespace sixin4::cli {

void run_capture(const std::vector<std::string>& arguments) {
  capture_live(capture_plan_of(arguments), nullptr);
}

void run_recorder(const std::vector<std::string>& arguments) {
  capture_recorded(recorder_plan_of(arguments));
}

std::string describe_capture() {
  return describe_capture_options() +
         "\nFILTER is in the language of tcpdump (pcap-filter(7)) and looks at the form that --form selects. "
         "With\n"
         "both forms a packet is taken if either form matches. Dropped packets are in every capture, with "
         "the\n"
         "reason as a comment.\n";
}

std::string describe_recorder() {
  return describe_recorder_options();
}

}  // namespace sixin4::cli
