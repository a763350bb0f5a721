#include "contestants.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>

#include <net/if.h>

namespace sixin4::testbed {

namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::chrono::milliseconds between_looks{5};
const std::string interface = "tunnel";
const std::string control_path = "/run/sixin4.sock";  // each side has a /run of its own

using Words = std::vector<std::string>;

// Addresses on the bed's link that the near side does not have otherwise.
Words with_source_rule(const std::string& target) {
  return {"--prefix", "2001:db8:41::1:0/112", "--source", target};
}

/// Waits until `up`, as long as the end runs.
void wait_for(Process& end, const Side& side, const std::function<bool()>& up) {
  const auto deadline = Clock::now() + patience;
  while (!up()) {
    if (const auto status = end.wait_until(Clock::now())) {
      const std::string what = "ended on the " + side.name + " side: " + end.complaint();
      if (*status == Process::status_no_program) throw NoProgram(what);
      throw std::runtime_error(what);
    }
    if (Clock::now() > deadline) {
      throw std::runtime_error("did not come up on the " + side.name + " side: " + end.complaint());
    }
    std::this_thread::sleep_for(between_looks);
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

Process start_beside(const Side& side, const Words& arguments) {
  Words command{"/proc/self/exe"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Process beside = start(side, command);
  wait_for(beside, side, [&beside] { return beside.output().find("capturing on") != std::string::npos; });
  return beside;
}

bool has_interface(const Side& side) {
  Job<bool> look{"the " + side.name + " side", [&side](const auto&) {
                   side.enter();
                   return ::if_nametoindex(interface.c_str()) != 0;
                 }};
  return look.finish(Clock::now() + patience);
}

Process start_socat(const Side& side, const Side& other, int mtu) {
  Process end = start(
      side, {"socat", "TUN,tun-name=" + interface + ",iff-no-pi,iff-up", "IP4-SENDTO:" + other.ipv4 + ":41"});
  wait_for(end, side, [&side] { return has_interface(side); });
  side.run({"ip", "link", "set", interface, "mtu", std::to_string(mtu)});
  side.run({"ip", "address", "add", side.ipv6 + "/64", "dev", interface, "nodad"});
  return end;
}

/// The link carries IPv6 itself, as far as its routes can tell, with the tunnel's MTU.
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
      {.name = "raw", .meaning = "sixin4 run --wire raw", .usual = true, .options = {"--wire", "raw"}},
      {.name = "packet",
       .meaning = "sixin4 run --wire packet",
       .usual = true,
       .options = {"--wire", "packet"}},
      {.name = "packet-offload",
       .meaning = "sixin4 run --wire packet --checksum-offload yes",
       .usual = true,
       .options = {"--wire", "packet", "--checksum-offload", "yes"}},
      {.name = "kept",
       .meaning = "raw, with a source rule that keeps the near side's address",
       .usual = false,
       .options = {"--wire", "raw"},
       .near_options = with_source_rule("keep")},
      {.name = "rewritten",
       .meaning = "raw, with a source rule that gives the near side another address",
       .usual = false,
       .options = {"--wire", "raw"},
       .near_options = with_source_rule("use 2001:db8:41::1:25")},
      {.name = "unrecorded",
       .meaning = "raw, without the flight recorder",
       .usual = false,
       .options = {"--wire", "raw", "--recorder", "0"}},
      {.name = "captured",
       .meaning = "raw, while the near side captures every packet, into /dev/null",
       .usual = false,
       .options = {"--wire", "raw"},
       .beside_near = {"capture", "--control", control_path, "--write", "/dev/null"}},
      {.name = "socat", .meaning = "socat TUN IP4-SENDTO, where socat is installed", .usual = true},
      {.name = "kernel",
       .meaning = "a tunnel of eBPF programs in the kernel; needs --kernel-tunnel",
       .usual = true},
  };
  return all;
}

std::optional<std::string> Tunnel::lost_end() {
  for (Process& end : ends_) {
    if (end.wait_until(Clock::now())) return end.complaint();
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
    const Contestant& own = *std::ranges::find(contestants(), contestant, &Contestant::name);
    Words near_options = own.options;
    near_options.insert(near_options.end(), own.near_options.begin(), own.near_options.end());
    ends.push_back(start_sixin4(bed.near, bed.far, mtu, near_options));
    ends.push_back(start_sixin4(bed.far, bed.near, mtu, own.options));
    if (!own.beside_near.empty()) ends.push_back(start_beside(bed.near, own.beside_near));
  }
  return Tunnel{std::move(ends)};
}

}  // namespace sixin4::testbed
