#include "live_capture.hpp"

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
#include <tuple>
#include <unordered_map>
#include <utility>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sixin4/base/printable.hpp"
#include "sixin4/base/system_failure.hpp"
#include "sixin4/capture/capture_file.hpp"
#include "sixin4/capture/capture_head.hpp"
#include "sixin4/capture/filter.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/capture/ring.hpp"
#include "sixin4/capture/ring_memory.hpp"
#include "sixin4/control/capture_request.hpp"
#include "sixin4/control/control_socket.hpp"
#include "sixin4/engine/verdict.hpp"

#include "capture_plan.hpp"
#include "extcap_toolbar.hpp"
#include "filter_option.hpp"
#include "packet_line.hpp"

namespace sixin4::cli {

namespace {

using capture::CaptureCounts;
using capture::Form;
using capture::SeenPacket;

// The longest delay of a packet. The rings are polled, because workers only write memory and wake no reader.
constexpr std::chrono::milliseconds look_period{20};
// A filter needs the headers, also with a smaller snapshot length.
constexpr std::uint32_t least_seen = 512;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler needs a global
volatile std::sig_atomic_t end_requested = 0;

/// The first signal ends the capture. A second one ends the program, which may still be writing. An ignored
/// SIGHUP stays ignored because of nohup(1). An ignored SIGINT does not, because shells ignore it for every
/// background command.
void end_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { end_requested = 1; };
  action.sa_flags = static_cast<int>(SA_RESTART | static_cast<unsigned>(SA_RESETHAND));
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction current {};
    const bool has_current = ::sigaction(number, nullptr, &current) == 0;
    if (number == SIGHUP && has_current && current.sa_handler == SIG_IGN) continue;
    (void)::sigaction(number, &action, nullptr);
  }
  (void)std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is a normal end
}

/// The tunnel must get the processor first. The capture may miss packets, and counts them.
void lower_priority() {
  constexpr int lowest_priority = 19;
  (void)::setpriority(PRIO_PROCESS, 0, lowest_priority);
}

/// One expression for the head of a file. It is an approximation: each filter may match in another form.
std::string both_filters(const std::string& one, const std::string& other) {
  if (one.empty() || other.empty()) return one + other;
  return '(' + one + ") and (" + other + ')';
}

/// The filters that a packet matches in one form, one bit each.
using Matches = unsigned;

/// Packets as lines on standard output.
class Lines {
 public:
  void add(const SeenPacket& packet, engine::Verdict verdict) {
    text_ += packet_line(packet, verdict, offset_) + '\n';
  }
  void flush() {
    if (std::fwrite(text_.data(), 1, text_.size(), stdout) != text_.size() || std::fflush(stdout) != 0) {
      throw base::system_failure("cannot write to standard output");
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
  /// `endpoint` has the descriptors of the rings. `toolbar` may be null.
  Capture(CapturePlan plan, control::LastingAnswer endpoint, ExtcapToolbar* toolbar);
  void run();
  /// Takes the packets that the rings have now.
  void take_all();

 private:
  /// A packet with all of its forms.
  struct Packet {
    std::array<bool, 2> has_form{};
    std::array<Matches, 2> matches{};  ///< in each form
    engine::Verdict verdict = engine::Verdict::pass;
    Form refused_form = Form::inner;  ///< valid if the verdict is not pass
    bool taken = false;
  };

  [[nodiscard]] bool wait();
  void follow_toolbar();
  void look();
  void judge(const SeenPacket& seen);
  [[nodiscard]] bool is_wanted(const Packet& packet) const;
  [[nodiscard]] bool passes(const SeenPacket& seen, const Packet& packet) const;
  void take(const SeenPacket& seen);
  void begin_file();
  void finish_file();
  [[nodiscard]] CaptureCounts counts_of(Form form) const;
  [[nodiscard]] bool reached_count() const noexcept { return plan_.count && taken_ == *plan_.count; }
  void report() const;

  CapturePlan plan_;
  control::LastingAnswer endpoint_;
  ExtcapToolbar* toolbar_;
  std::string interface_;
  std::string expression_;
  std::array<capture::Filter, 2> filters_;
  std::vector<capture::RingMemory> memory_;
  std::vector<capture::RingReader> rings_;
  engine::Time started_ = engine::Time::clock::now();
  std::optional<capture::CaptureFile> file_;  ///< nothing: packets become lines
  Lines lines_;
  std::vector<SeenPacket> seen_;                          ///< packets of one look
  std::unordered_map<engine::PacketId, Packet> packets_;  ///< the same, by id
  std::array<CaptureCounts, 2> counts_{};
  std::uint64_t taken_ = 0;
  bool endpoint_has_ended_ = false;
};

Capture::Capture(CapturePlan plan, control::LastingAnswer endpoint, ExtcapToolbar* toolbar)
    : plan_(std::move(plan)),
      endpoint_(std::move(endpoint)),
      toolbar_(toolbar),
      interface_(control::interface_of(endpoint_.result)),
      expression_(filter_of(plan_, interface_)),
      filters_{filter_option(expression_), filter_option(plan_.second_filter)} {
  for (base::FileDescriptor& descriptor : endpoint_.descriptors) memory_.emplace_back(std::move(descriptor));
  for (const capture::RingMemory& memory : memory_) rings_.emplace_back(memory.bytes());
}

void Capture::run() {
  end_on_signals();
  lower_priority();
  try {
    begin_file();
    if (!plan_.quiet) {
      std::cerr << "capturing on " << base::printable(interface_) << ", snapshot length " << plan_.snap_length
                << " bytes" << std::endl;
    }
    bool goes_on = true;
    while (goes_on && !reached_count()) {
      goes_on = wait() && end_requested == 0;
      look();
    }
    finish_file();
    if (endpoint_has_ended_ && !plan_.quiet) std::cerr << "the endpoint has ended" << std::endl;
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::broken_pipe) throw;
  }
  if (!plan_.quiet) report();
}

/// Waits until it is time to look. Returns whether both the endpoint and the reader of the output still run.
bool Capture::wait() {
  // poll(2) reports POLLERR for a pipe without a reader, and ignores a descriptor of -1.
  std::array<pollfd, 3> polled{
      {{.fd = endpoint_.connection.get(), .events = POLLIN, .revents = 0},
       {.fd = file_ ? file_->fd() : STDOUT_FILENO, .events = 0, .revents = 0},
       {.fd = toolbar_ != nullptr ? toolbar_->fd() : -1, .events = POLLIN, .revents = 0}}};
  (void)::poll(polled.data(), polled.size(), static_cast<int>(look_period.count()));
  if (toolbar_ != nullptr && polled[2].revents != 0) follow_toolbar();
  endpoint_has_ended_ = polled[0].revents != 0;
  return !endpoint_has_ended_ && polled[1].revents == 0;
}

void Capture::follow_toolbar() {
  const auto selection = toolbar_->read();
  if (!selection) return;
  plan_.form = selection->form;
  plan_.drops_only = selection->drops_only;
  try {
    filters_[1] = capture::Filter{selection->filter};
  } catch (const std::invalid_argument& error) {
    toolbar_->warn(error.what());
  }
}

void Capture::take_all() {
  // The statistics of the file need the time of the earliest packet. It is the first packet of a ring. New
  // readers then read the rings from the beginning again.
  for (capture::RingReader& ring : rings_) {
    if (const auto first = ring.next()) started_ = std::min(started_, first->time);
  }
  rings_.clear();
  for (const capture::RingMemory& memory : memory_) rings_.emplace_back(memory.bytes());
  begin_file();
  look();
  finish_file();
}

/// The rings publish all forms of a packet together, so that one look sees the verdict of each packet.
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
  Packet& packet = packets_[seen.id];
  if (seen.verdict != engine::Verdict::pass) {
    packet.verdict = seen.verdict;
    packet.refused_form = seen.form;
  }
  packet.has_form[form] = true;
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    if (filters_[i].matches(seen.bytes, seen.length)) packet.matches[form] |= Matches{1} << i;
  }
}

bool Capture::is_wanted(const Packet& packet) const {
  constexpr Matches all = (Matches{1} << std::tuple_size_v<decltype(filters_)>)-1;
  const bool dropped = packet.verdict != engine::Verdict::pass;
  if (plan_.drops_only && !dropped) return false;
  if (!plan_.form) return (packet.matches[0] | packet.matches[1]) == all;
  const auto form = static_cast<std::size_t>(*plan_.form);
  if (packet.has_form[form]) return packet.matches[form] == all;
  // A packet that was dropped before it had the wanted form is shown in the form that it had.
  return dropped && packet.matches[1 - form] == all;
}

bool Capture::passes(const SeenPacket& seen, const Packet& packet) const {
  if (plan_.direction && seen.direction != *plan_.direction) return false;
  if (!is_wanted(packet)) return false;
  const bool refused = seen.verdict != engine::Verdict::pass;
  // One segment of a super-packet may be refused while others leave.
  if (plan_.drops_only && !refused && seen.form == packet.refused_form) return false;
  return !plan_.form || seen.form == *plan_.form || refused;
}

void Capture::take(const SeenPacket& seen) {
  Packet& packet = packets_.at(seen.id);
  CaptureCounts& counts = counts_[static_cast<std::size_t>(seen.form)];
  const bool taken = passes(seen, packet) && (packet.taken || !reached_count());
  // Before any counting, so that the statistics of a file end with its last packet.
  if (taken && file_ && file_->is_full()) {
    finish_file();
    file_->begin_next();
  }
  ++counts.received;
  if (!taken) return;
  if (file_) {
    file_->write(seen);
  } else if (seen.form == Form::outer && plan_.form == Form::outer) {
    // One inner packet may leave in several outer packets.
    lines_.add(seen, packet.refused_form == Form::outer ? seen.verdict : packet.verdict);
  } else if (!packet.taken) {
    lines_.add(seen, packet.verdict);
  }
  if (!packet.taken) ++taken_;
  packet.taken = true;
  ++counts.delivered;
}

void Capture::begin_file() {
  if (plan_.file.empty()) return;
  file_.emplace(plan_.file,
                capture::capture_head(interface_, both_filters(expression_, plan_.second_filter),
                                      plan_.snap_length, plan_.form),
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

/// The summary of tcpdump(8). It counts missed forms, because it is not known which of them belong to one
/// packet.
void Capture::report() const {
  std::cerr << taken_ << " packets captured\n"
            << counts_of(Form::inner).missed << " inner and " << counts_of(Form::outer).missed
            << " outer packets missed, because they came faster than they could be written" << std::endl;
}

}  // namespace

void capture_live(CapturePlan plan, ExtcapToolbar* toolbar) {
  const std::string request = control::capture_request(std::max(plan.snap_length, least_seen));
  auto endpoint = control::ask_for_descriptors(plan.control_path, request);
  std::make_unique<Capture>(std::move(plan), std::move(endpoint), toolbar)->run();
}

void capture_recorded(CapturePlan plan) {
  plan.snap_length = capture::Recorded::most_bytes;
  auto endpoint = control::ask_for_descriptors(plan.control_path, control::recorder_request);
  std::make_unique<Capture>(std::move(plan), std::move(endpoint), nullptr)->take_all();
}

}  // namespace sixin4::cli
