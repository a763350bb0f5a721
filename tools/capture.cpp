#include "capture.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "sixin4/capture/capture_file.hpp"
#include "sixin4/capture/filter.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/capture/ring.hpp"
#include "sixin4/control/capture_request.hpp"
#include "sixin4/control/control_socket.hpp"
#include "sixin4/control/options.hpp"
#include "sixin4/engine/verdict.hpp"

#include "capture_head.hpp"
#include "capture_plan.hpp"
#include "packet_line.hpp"
#include "ring_memory.hpp"

namespace sixin4 {

namespace {

using capture::CaptureCounts;
using capture::Form;
using capture::SeenPacket;

// How late a packet is shown. Nobody is woken for one: workers write memory and nothing else.
constexpr std::chrono::milliseconds look_period{20};
// A filter sees the headers, whatever little is to be kept.
constexpr std::uint32_t least_seen = 512;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler reaches nothing else
volatile std::sig_atomic_t told_to_end = 0;

/// The first signal ends the capture, the second one the program, where it still writes.
void end_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { told_to_end = 1; };
  action.sa_flags = static_cast<int>(SA_RESTART | static_cast<unsigned>(SA_RESETHAND));
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)::sigaction(number, &action, nullptr);
  (void)std::signal(SIGPIPE, SIG_IGN);  // who reads may go: that is an end as any other
}

capture::Filter compile(const std::string& expression) {
  try {
    return capture::Filter{expression};
  } catch (const std::invalid_argument& error) {
    throw control::ConfigurationError(std::string{"command line: "} + error.what());
  }
}

/// A line each on standard output.
class Lines {
 public:
  void add(const SeenPacket& packet, engine::Verdict verdict) {
    text_ += packet_line(packet, verdict, offset_) + '\n';
  }
  void flush() {
    if (std::fwrite(text_.data(), 1, text_.size(), stdout) != text_.size() || std::fflush(stdout) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
    }
    text_.clear();
    offset_ = capture::time_of_day_offset();
  }

 private:
  std::string text_;
  std::chrono::nanoseconds offset_ = capture::time_of_day_offset();
};

class Capture {
 public:
  /// `endpoint` has answered with its rings.
  Capture(CapturePlan plan, control::LastingAnswer endpoint);
  void run();
  /// What is there at once.
  void take_all();

 private:
  /// What is known of a packet from all of its forms.
  struct Packet {
    std::array<bool, 2> has_form{};
    std::array<bool, 2> matches{};  ///< the filter, in that form
    engine::Verdict verdict = engine::Verdict::pass;
    bool taken = false;
  };

  [[nodiscard]] bool wait() const;
  void look();
  void judge(const SeenPacket& seen);
  [[nodiscard]] bool is_wanted(const Packet& packet) const;
  [[nodiscard]] bool passes(const SeenPacket& seen, const Packet& packet) const;
  void take(const SeenPacket& seen);
  void begin_file();
  void finish_file();
  [[nodiscard]] bool uses_standard_output() const noexcept { return plan_.file.empty() || plan_.file == "-"; }
  [[nodiscard]] CaptureCounts counts_of(Form form) const;
  [[nodiscard]] bool reached_count() const noexcept { return plan_.count && taken_ == *plan_.count; }
  void report() const;

  CapturePlan plan_;
  control::LastingAnswer endpoint_;
  std::string interface_;
  std::string expression_;
  capture::Filter filter_;
  std::vector<RingMemory> memory_;
  std::vector<capture::RingReader> rings_;
  engine::Time started_ = engine::Time::clock::now();
  std::optional<capture::CaptureFile> file_;  ///< nothing: lines
  Lines lines_;
  std::vector<SeenPacket> seen_;                          ///< by one look
  std::unordered_map<engine::PacketId, Packet> packets_;  ///< of one look
  std::array<CaptureCounts, 2> counts_{};
  std::uint64_t taken_ = 0;
};

Capture::Capture(CapturePlan plan, control::LastingAnswer endpoint)
    : plan_(std::move(plan)),
      endpoint_(std::move(endpoint)),
      interface_(control::interface_of(endpoint_.result)),
      expression_(filter_of(plan_, interface_)),
      filter_(compile(expression_)) {
  for (io::FileDescriptor& descriptor : endpoint_.descriptors) memory_.emplace_back(std::move(descriptor));
  for (const RingMemory& memory : memory_) rings_.emplace_back(memory.bytes());
}

void Capture::run() {
  end_on_signals();
  try {
    begin_file();
    if (!plan_.quiet) {
      std::cerr << "capturing on " << interface_ << ", snapshot length " << plan_.snap_length << " bytes"
                << std::endl;
    }
    bool goes_on = true;
    while (goes_on && !reached_count()) {
      goes_on = wait() && told_to_end == 0;
      look();
    }
    finish_file();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::broken_pipe) throw;
  }
  if (!plan_.quiet) report();
}

/// Until it is time to look. Says whether the endpoint and who reads are still there.
bool Capture::wait() const {
  // A pipe that nobody reads is in error; poll(2) passes by a descriptor of -1.
  std::array<pollfd, 2> polled{
      {{.fd = endpoint_.connection.get(), .events = POLLIN, .revents = 0},
       {.fd = uses_standard_output() ? STDOUT_FILENO : -1, .events = 0, .revents = 0}}};
  return ::poll(polled.data(), polled.size(), static_cast<int>(look_period.count())) <= 0;
}

void Capture::take_all() {
  for (capture::RingReader& ring : rings_) {
    if (const auto first = ring.next()) started_ = std::min(started_, first->time);
  }
  rings_.clear();
  for (const RingMemory& memory : memory_) rings_.emplace_back(memory.bytes());
  begin_file();
  look();
  finish_file();
}

/// All forms of a packet become visible together, so that one look has all that its verdict rests on.
void Capture::look() {
  seen_.clear();
  packets_.clear();
  for (capture::RingReader& ring : rings_) {
    while (const auto seen = ring.next()) seen_.push_back(*seen);
  }
  std::ranges::stable_sort(seen_, {}, &SeenPacket::time);
  for (const SeenPacket& seen : seen_) judge(seen);
  for (const SeenPacket& seen : seen_) take(seen);
  for (capture::RingReader& ring : rings_) ring.release();
  if (file_) {
    file_->flush();
  } else {
    lines_.flush();
  }
}

void Capture::judge(const SeenPacket& seen) {
  const auto form = static_cast<std::size_t>(seen.form);
  ++counts_[form].received;
  Packet& packet = packets_[seen.id];
  if (seen.verdict != engine::Verdict::pass) packet.verdict = seen.verdict;
  packet.has_form[form] = true;
  packet.matches[form] = packet.matches[form] || filter_.matches(seen.bytes, seen.length);
}

bool Capture::is_wanted(const Packet& packet) const {
  const bool dropped = packet.verdict != engine::Verdict::pass;
  if (plan_.drops_only && !dropped) return false;
  if (!plan_.form) return packet.matches[0] || packet.matches[1];
  const auto form = static_cast<std::size_t>(*plan_.form);
  if (packet.has_form[form]) return packet.matches[form];
  // Dropped before it had the form that is asked for: the one that it had stands for it.
  return dropped && packet.matches[1 - form];
}

bool Capture::passes(const SeenPacket& seen, const Packet& packet) const {
  if (plan_.outward && seen.outward != *plan_.outward) return false;
  if (!is_wanted(packet)) return false;
  return !plan_.form || seen.form == *plan_.form || seen.verdict != engine::Verdict::pass;
}

void Capture::take(const SeenPacket& seen) {
  Packet& packet = packets_.at(seen.id);
  if (!passes(seen, packet) || (!packet.taken && reached_count())) return;
  if (file_) {
    if (file_->is_full()) {
      finish_file();
      file_->begin_next();
    }
    file_->write(seen);
  } else if (!packet.taken) {
    lines_.add(seen, packet.verdict);
  }
  if (!packet.taken) ++taken_;
  packet.taken = true;
  ++counts_[static_cast<std::size_t>(seen.form)].delivered;
}

void Capture::begin_file() {
  if (plan_.file.empty()) return;
  file_.emplace(plan_.file, capture_head(interface_, expression_, plan_.snap_length, plan_.form),
                plan_.rotation, started_);
}

void Capture::finish_file() {
  if (file_) file_->finish(counts_of(Form::inner), counts_of(Form::outer));
}

CaptureCounts Capture::counts_of(Form form) const {
  CaptureCounts counts = counts_[static_cast<std::size_t>(form)];
  for (const capture::RingReader& ring : rings_) counts.missed += ring.lost(form);
  counts.received += counts.missed;
  return counts;
}

/// As tcpdump has it. Forms are missed, not packets: nobody knows which of them belong together.
void Capture::report() const {
  std::cerr << taken_ << " packets captured\n"
            << counts_of(Form::inner).missed << " inner and " << counts_of(Form::outer).missed
            << " outer packets missed, which came faster than they could be written" << std::endl;
}

}  // namespace

void run_capture(const std::vector<std::string>& arguments) {
  run_capture(capture_plan_of(arguments));
}

void run_capture(CapturePlan plan) {
  const std::string request = control::capture_request(std::max(plan.snap_length, least_seen));
  auto endpoint = control::ask_for_descriptors(plan.control_path, request);
  std::make_unique<Capture>(std::move(plan), std::move(endpoint))->run();
}

void run_recorder(const std::vector<std::string>& arguments) {
  CapturePlan plan = recorder_plan_of(arguments);
  plan.snap_length = capture::Recorded::most_bytes;
  auto endpoint = control::ask_for_descriptors(plan.control_path, control::recorder_request);
  std::make_unique<Capture>(std::move(plan), std::move(endpoint))->take_all();
}

std::string describe_capture() {
  return describe_capture_options() +
         "\nFILTER is in the language of tcpdump (pcap-filter(7)), about the form that --form names; with "
         "both\n"
         "a packet is taken where either matches. Dropped packets are in every capture, with the reason as "
         "a\n"
         "comment.\n";
}

std::string describe_recorder() {
  return describe_recorder_options();
}

}  // namespace sixin4
