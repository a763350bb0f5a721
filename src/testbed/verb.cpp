// `sixin4 bench`: runs the plan round by round, prints progress and results.
#include "sixin4/testbed/verb.hpp"

#include <algorithm>
#include <iostream>
#include <thread>

#include <sys/utsname.h>

#include "sixin4/base/printable.hpp"
#include "sixin4/testbed/plan.hpp"
#include "sixin4/testbed/process.hpp"
#include "sixin4/testbed/report.hpp"
#include "sixin4/testbed/results.hpp"
#include "sixin4/testbed/workloads.hpp"

#include "bed.hpp"
#include "contestants.hpp"

namespace sixin4::testbed {

namespace {

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}

void measure(const Workload& workload, const Bed& bed, Tunnel& tunnel, double seconds, Run& run) {
  try {
    run.figures = workload.measure(bed, seconds);
  } catch (const WrongData& error) {
    run.failure = error.what();
    run.wrong_data = true;
  } catch (const std::runtime_error& error) {
    run.failure = error.what();
  }
  if (run.failure.empty()) return;
  if (const auto output = tunnel.output_of_ended_process()) {
    run.failure += "; a process of the tunnel had ended: " + *output;
  }
}

/// Records a turn whose tunnel did not start, as failed runs. If `permanent`, marks the contestant as not
/// available instead, so that it gets no further turn.
void record_missed_turn(const Setting& setting, int round, const std::string& contestant,
                        const std::string& reason, bool permanent, Results& results) {
  std::cerr << contestant << " did not start in round " << round << ": " << base::message_line(reason)
            << std::endl;
  if (permanent) {
    results.not_available.push_back({contestant, reason});
    return;
  }
  for (const std::string& name : results.plan.workloads) {
    results.runs.push_back({setting, round, contestant, name, {}, reason, false, false});
  }
}

/// Starts one contestant on a new testbed and measures all workloads.
void take_turn(const Setting& setting, int round, const std::string& contestant, Results& results) {
  const Plan& plan = results.plan;
  std::optional<Bed> bed;
  std::optional<Tunnel> tunnel;
  try {
    bed.emplace(setting.receive_offload);
    tunnel.emplace(start_tunnel(contestant, *bed, setting.mtu, plan.kernel_tunnel));
  } catch (const std::runtime_error& error) {
    // A host that cannot set up the first testbed cannot set up any. No result is lost if the program ends
    // here.
    if (!bed && results.runs.empty()) throw;
    const bool no_program = dynamic_cast<const NoProgram*>(&error) != nullptr;
    record_missed_turn(setting, round, contestant, error.what(), bed && no_program, results);
    return;
  }
  for (const std::string& name : plan.workloads) {
    std::cerr << "mtu " << setting.mtu << ", receive offload " << (setting.receive_offload ? "on" : "off")
              << ", round " << round << " of " << plan.rounds << ": " << contestant << ", " << name;
    Run run{setting, round, contestant, name, {}, {}, false, true};
    const Workload& workload = *find_workload(name);
    measure(workload, *bed, *tunnel, plan.seconds, run);
    for (std::size_t at = 0; at < run.figures.size(); ++at) {
      const FigureKind& kind = workload.figures.at(at);
      std::cerr << (at == 0 ? ": " : ", ") << figure_text(run.figures[at] * kind.scale) << ' ' << kind.unit;
    }
    std::cerr << (run.failure.empty() ? "" : ": failed: " + base::message_line(run.failure)) << std::endl;
    results.runs.push_back(std::move(run));
  }
  tunnel->stop();
}

}  // namespace

void run_bench(const std::vector<std::string>& arguments) {
  Results results{
      parse_plan(arguments), kernel_release(), static_cast<int>(std::thread::hardware_concurrency()), {}, {}};
  const Plan& plan = results.plan;
  for (int round = 1; round <= plan.rounds; ++round) {
    for (const Setting& setting : plan.settings) {
      for (const std::string& contestant : plan.contestants) {
        if (is_available(results, contestant)) take_turn(setting, round, contestant, results);
      }
    }
  }
  mark_never_started(results);
  if (results.runs.empty()) {
    throw std::runtime_error("nothing was measured; " + results.not_available.front().contestant +
                             " is not available: " + results.not_available.front().reason);
  }
  std::cout << (plan.json ? to_json(results) : to_table(results)) << std::flush;
  const auto wrong = std::ranges::find(results.runs, true, &Run::wrong_data);
  if (wrong != results.runs.end()) throw std::runtime_error(wrong->contestant + ": " + wrong->failure);
}

}  // namespace sixin4::testbed
