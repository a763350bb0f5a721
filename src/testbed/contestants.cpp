// The table of contestants, and how each kind of tunnel is started.
#include "contestants.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>

#include <net/if.h>

namespace sixin4::testbed {

namespace {

constexpr std::chrono::seconds start_timeout{10};
constexpr std::chrono::milliseconds poll_interval{5};
const std::string interface = "tunnel";
const std::string control_path = "/run/sixin4.sock";  // each side has a separate /run

using Words = std::vector<std::string>;

/// Options of the near side: a prefix of its own and a source rule with `target`. The far side routes the
/// prefix into the tunnel because its on-link /64 contains it.
Words with_source_rule(const std::string& target) {
  return {"--prefix", "2001:db8:41::1:0/112", "--source", target};
}

/// Waits until `is_up` returns true. Throws std::runtime_error if `end` ends first or the time is over,
/// NoProgram if its program is not installed.
void wait_for(Process& end, const Side& side, const std::function<bool()>& is_up) {
  const auto deadline = Clock::now() + start_timeout;
  while (!is_up()) {
    if (const auto status = end.wait_until(Clock::now())) {
      const std::string message = "ended on the " + side.name + " side: " + end.output_line();
      if (*status == Process::status_no_program) throw NoProgram(message);
      throw std::runtime_error(message);
    }
    if (Clock::now() > deadline) {
      throw std::runtime_error("did not come up on the " + side.name + " side: " + end.output_line());
    }
    std::this_thread::sleep_for(poll_interval);
  }
}

Process start(const Side& side, const std::vector<std::string>& command) {
  return Process{[&] {
    side.enter();
    execute(command);
  }};
}

Process start_sixin4(const Side& side, const Side& other, int mtu, const Words& options) {
  Words command{"/proc/self/exe", "run",       "--interface",     interface, "--remote",
                other.ipv4,       "--address", side.ipv6 + "/64", "--mtu",   std::to_string(mtu),
                "--control",      control_path};
  command.insert(command.end(), options.begin(), options.end());
  Process end = start(side, command);
  wait_for(end, side, [&end] {
    const std::string text = end.output();
    return text.starts_with("ready: ") || text.find("\nready: ") != std::string::npos;
  });
  return end;
}

Process start_companion(const Side& side, const Words& arguments) {
  Words command{"/proc/self/exe"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Process companion = start(side, command);
  wait_for(companion, side,
           [&companion] { return companion.output().find("capturing on") != std::string::npos; });
  return companion;
}

bool has_interface(const Side& side) {
  Job<bool> lookup{"the " + side.name + " side", [&side](const auto&) {
                     side.enter();
                     return ::if_nametoindex(interface.c_str()) != 0;
                   }};
  return lookup.finish(Clock::now() + start_timeout);
}

Process start_socat(const Side& side, const Side& other, int mtu) {
  Process end = start(
      side, {"socat", "TUN,tun-name=" + interface + ",iff-no-pi,iff-up", "IP4-SENDTO:" + other.ipv4 + ":41"});
  wait_for(end, side, [&side] { return has_interface(side); });
  side.run({"ip", "link", "set", interface, "mtu", std::to_string(mtu)});
  side.run({"ip", "address", "add", side.ipv6 + "/64", "dev", interface, "nodad"});
  return end;
}

/// Attaches the eBPF programs to the link. The link has the tunnel's IPv6 address and a route with its MTU,
/// because this tunnel has no interface.
void start_kernel(const Side& side, const Side& other, int mtu, const std::string& object) {
  side.run(
      {"ip", "neighbour", "add", other.ipv6, "lladdr", other.ethernet, "dev", side.link, "nud", "permanent"});
  side.run({"ip", "address", "add", side.ipv6 + "/128", "dev", side.link, "nodad"});
  side.run({"ip", "route", "add", other.ipv6, "dev", side.link, "mtu", std::to_string(mtu)});
  side.run({"tc", "qdisc", "add", "dev", side.link, "clsact"});
  for (const std::string direction : {"egress", "ingress"}) {
    side.run({"tc", "filter", "add", "dev", side.link, direction, "bpf", "direct-action", "object-file",
              object, "section", side.name + '/' + direction});
  }
}

}  // namespace

const std::vector<Contestant>& contestants() {
  static const std::vector<Contestant> all{
      {.name = "raw", .meaning = "sixin4 run --wire raw", .is_default = true, .options = {"--wire", "raw"}},
      {.name = "packet",
       .meaning = "sixin4 run --wire packet",
       .is_default = true,
       .options = {"--wire", "packet"}},
      {.name = "packet-offload",
       .meaning = "sixin4 run --wire packet --checksum-offload yes",
       .is_default = true,
       .options = {"--wire", "packet", "--checksum-offload", "yes"}},
      {.name = "kept",
       .meaning = "raw, with a source rule that keeps the near side's address",
       .is_default = false,
       .options = {"--wire", "raw"},
       .near_options = with_source_rule("keep")},
      {.name = "rewritten",
       .meaning = "raw, with a source rule that gives the near side another address",
       .is_default = false,
       .options = {"--wire", "raw"},
       .near_options = with_source_rule("use 2001:db8:41::1:25")},
      {.name = "unrecorded",
       .meaning = "raw, without the flight recorder",
       .is_default = false,
       .options = {"--wire", "raw", "--recorder", "0"}},
      {.name = "captured",
       .meaning = "raw, while the near side captures every packet, into /dev/null",
       .is_default = false,
       .options = {"--wire", "raw"},
       .near_companion = {"capture", "--control", control_path, "--write", "/dev/null"}},
      {.name = "socat", .meaning = "socat TUN IP4-SENDTO, where socat is installed", .is_default = true},
      {.name = "kernel",
       .meaning = "a tunnel of eBPF programs in the kernel; needs --kernel-tunnel",
       .is_default = true},
  };
  return all;
}

std::optional<std::string> Tunnel::output_of_ended_process() {
  for (Process& end : ends_) {
    if (end.wait_until(Clock::now())) return end.output_line();
  }
  return std::nullopt;
}

void Tunnel::stop() {
  for (Process& end : ends_) end.stop();
}

Tunnel start_tunnel(std::string_view contestant, const Bed& bed, int mtu, const std::string& kernel_tunnel) {
  std::vector<Process> ends;
  if (contestant == "kernel") {
    start_kernel(bed.near, bed.far, mtu, kernel_tunnel);
    start_kernel(bed.far, bed.near, mtu, kernel_tunnel);
  } else if (contestant == "socat") {
    ends.push_back(start_socat(bed.near, bed.far, mtu));
    ends.push_back(start_socat(bed.far, bed.near, mtu));
  } else {
    const Contestant& entry = *std::ranges::find(contestants(), contestant, &Contestant::name);
    Words near_options = entry.options;
    near_options.insert(near_options.end(), entry.near_options.begin(), entry.near_options.end());
    ends.push_back(start_sixin4(bed.near, bed.far, mtu, near_options));
    ends.push_back(start_sixin4(bed.far, bed.near, mtu, entry.options));
    if (!entry.near_companion.empty()) ends.push_back(start_companion(bed.near, entry.near_companion));
  }
  return Tunnel{std::move(ends)};
}

}  // namespace sixin4::testbed
