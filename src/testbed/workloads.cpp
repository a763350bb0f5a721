// The table of workloads.
#include "sixin4/testbed/workloads.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "sixin4/testbed/cpu_time.hpp"

#include "bed.hpp"
#include "rtt.hpp"
#include "tcp.hpp"
#include "udp.hpp"

namespace sixin4::testbed {

namespace {

using Values = std::vector<double>;

const FigureKind goodput{.key = "bits_per_second", .unit = "Gbit/s", .scale = 1e-9};
const FigureKind cpu_cost{.key = "cpu_seconds_per_gigabyte", .unit = "CPU s/GB", .scale = 1};
const FigureKind datagram_rate{.key = "datagrams_per_second", .unit = "kpps", .scale = 1e-3};
const FigureKind median_trip{.key = "rtt_median_us", .unit = "us p50", .scale = 1};
const FigureKind slow_trip{.key = "rtt_p99_us", .unit = "us p99", .scale = 1};

Values measure_one_flow(const Bed& bed, double seconds) {
  const std::vector<int> processors{bed.near.processor, bed.far.processor};
  const double busy_before = busy_seconds(processors);
  const TcpFlows::Result result = TcpFlows{bed, {.outward = 1}, seconds}.finish();
  const double busy = busy_seconds(processors) - busy_before;
  return {result.bits_per_second, busy / (static_cast<double>(result.bytes) * 1e-9)};
}

Values measure_eight_flows(const Bed& bed, double seconds) {
  return {TcpFlows{bed, {.outward = 8}, seconds}.finish().bits_per_second};
}

Values measure_both_directions(const Bed& bed, double seconds) {
  return {TcpFlows{bed, {.outward = 1, .inward = 1}, seconds}.finish().bits_per_second};
}

Values measure_datagrams(const Bed& bed, DatagramKind kind, double seconds) {
  constexpr double trials = 10;
  const double trial_seconds = std::max(0.05, seconds / trials);
  return {highest_rate([&](double rate) { return try_rate(bed, kind, rate, trial_seconds); })};
}

Values measure_idle_trips(const Bed& bed, double seconds) {
  const RoundTrips trips = measure_round_trips(bed, seconds);
  return {trips.median_us, trips.p99_us};
}

Values measure_trips_under_load(const Bed& bed, double seconds) {
  constexpr std::chrono::milliseconds lead{200};  // for the slow start of the flow
  constexpr double lag = 0.5;                     // seconds that the flow outlasts the round trips
  TcpFlows load{bed, {.outward = 1}, seconds + lag};
  std::this_thread::sleep_for(lead);
  const RoundTrips trips = measure_round_trips(bed, seconds);
  (void)load.finish();
  return {trips.median_us, trips.p99_us};
}

std::vector<Workload> all_workloads() {
  const auto datagrams = [](DatagramKind kind) {
    return [kind](const Bed& bed, double seconds) { return measure_datagrams(bed, kind, seconds); };
  };
  return {
      {"tcp", "one TCP flow, and the processor time for it", {goodput, cpu_cost}, measure_one_flow},
      {"tcp8", "eight TCP flows", {goodput}, measure_eight_flows},
      {"tcp-both", "a TCP flow in each direction, their sum", {goodput}, measure_both_directions},
      {"udp64",
       "datagrams of 64 bytes: the highest rate with at most 0.1 % loss",
       {datagram_rate},
       datagrams({.size = 64})},
      {"udp1200", "datagrams of 1200 bytes: the same", {datagram_rate}, datagrams({.size = 1200})},
      {"udp-gso",
       "datagrams of 1200 bytes, 40 a call, with segmentation and receive offload: the same",
       {datagram_rate},
       datagrams({.size = 1200, .per_call = 40})},
      {"rtt",
       "round trips of a datagram every 5 ms, without other traffic",
       {median_trip, slow_trip},
       measure_idle_trips},
      {"rtt-load", "the same beside one TCP flow", {median_trip, slow_trip}, measure_trips_under_load},
  };
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = all_workloads();
  return all;
}

const Workload* find_workload(std::string_view name) {
  const auto found = std::ranges::find(workloads(), name, &Workload::name);
  return found == workloads().end() ? nullptr : &*found;
}

}  // namespace sixin4::testbed
