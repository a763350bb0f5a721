// The threads of a worker. Each thread runs one pump of the engine in turns:
//
// 1. The thread ends if the control thread has stopped its mailbox.
// 2. It takes its mail: parameters, a socket, a recorder, taps. The whole turn uses them.
// 3. The pump reads a batch: from the tun queue (outbound) or from the raw sockets (inbound).
// 4. The engine gives each packet a verdict: dropped, or rewritten for the other side.
// 5. The pump writes the batch to the socket (outbound) or to the tun queue (inbound), and counts.
// 6. From step 3 on the recorder and the taps see each packet.
// 7. An offload that the pump has given up is reported to the control thread.
// 8. A deleted tun device is reported, and the thread ends.
// 9. The inbound thread reports a path MTU that a router has sent.
// 10. If nothing is left to read the thread polls its descriptor and its mailbox.
#include "sixin4/datapath/worker.hpp"

#include <array>
#include <memory>
#include <system_error>
#include <utility>

#include <poll.h>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"

namespace sixin4::datapath {

namespace {

/// Waits until one of two descriptors is readable.
void wait_for_either(int first, int second) noexcept {
  std::array<pollfd, 2> polled{
      {{.fd = first, .events = POLLIN, .revents = 0}, {.fd = second, .events = POLLIN, .revents = 0}}};
  (void)::poll(polled.data(), polled.size(), -1);
}

template <typename... Arguments>
std::thread start_thread(Arguments&&... arguments) {
  try {
    return std::thread{std::forward<Arguments>(arguments)...};
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "cannot start a thread");
  }
}

/// Reports to the control thread each offload that one thread gives up.
class OffloadReporter {
 public:
  OffloadReporter(const engine::DirectionCounters& counters, WorkerReports& reports) noexcept
      : counters_(counters), reports_(reports) {}
  void report_changes() noexcept {
    const std::size_t given_up = counters_.given_up();
    if (given_up != std::exchange(reported_, given_up)) reports_.report_offload();
  }

 private:
  const engine::DirectionCounters& counters_;
  WorkerReports& reports_;
  std::size_t reported_ = 0;  ///< number of offloads
};

/// Without a tap the recorder itself observes the pump, because that costs less than the watchers.
template <typename Pump>
engine::IoStatus take_turn(Pump& pump, const engine::TunnelParameters& parameters, Watchers& watchers) {
  const auto now = std::chrono::steady_clock::now();
  return watchers.has_taps() ? pump.turn(parameters, now, watchers)
                             : pump.turn(parameters, now, watchers.recorder());
}

}  // namespace

Worker::Worker(const io::TunDevice& tun, const engine::Share& share, WorkerReports& reports,
               const engine::TunnelParameters& parameters, WorkerSockets sockets,
               const WorkerRecorders& recorders)
    : tun_(tun),
      share_(share),
      reports_(reports),
      outbound_(start_thread(&Worker::run_outbound, this, parameters, std::move(*sockets.sender),
                             Watchers{recorders.outbound})) {
  try {
    inbound_ = start_thread(&Worker::run_inbound, this, parameters, std::move(*sockets.receiver),
                            Watchers{recorders.inbound});
  } catch (...) {
    outbound_mail_.stop();
    outbound_.join();  // because the destructor of a thread that was not joined ends the program
    throw;
  }
}

Worker::~Worker() {
  outbound_mail_.stop();
  inbound_mail_.stop();
  outbound_.join();
  inbound_.join();
}

void Worker::reconfigure(const engine::TunnelParameters& parameters, WorkerSockets sockets) {
  outbound_mail_.put(parameters, std::move(sockets.sender));
  inbound_mail_.put(parameters, std::move(sockets.receiver));
}

void Worker::record(const WorkerRecorders& recorders) {
  outbound_mail_.put(recorders.outbound);
  inbound_mail_.put(recorders.inbound);
}

void Worker::capture(const WorkerTaps& taps) {
  outbound_mail_.put(std::weak_ptr{taps.outbound});
  inbound_mail_.put(std::weak_ptr{taps.inbound});
}

void Worker::run_outbound(engine::TunnelParameters parameters, io::WireSender sender, Watchers watchers) {
  const auto pump =
      std::make_unique<engine::OutboundPump<const io::TunDevice, io::WireSender>>(tun_, sender, out_, share_);
  OffloadReporter offloads{out_, reports_};
  while (!outbound_mail_.stopped()) {
    (void)outbound_mail_.take(parameters, sender, watchers);
    const engine::IoStatus status = take_turn(*pump, parameters, watchers);
    offloads.report_changes();
    if (status == engine::IoStatus::gone) return reports_.report_gone();
    if (status != engine::IoStatus::ok) wait_for_either(tun_.fd(), outbound_mail_.fd());
  }
}

void Worker::run_inbound(engine::TunnelParameters parameters, io::RawReceiver receiver, Watchers watchers) {
  const auto pump = std::make_unique<engine::InboundPump<io::RawReceiver, const io::TunDevice>>(
      receiver, tun_, in_, last_heard_, share_);
  OffloadReporter offloads{in_, reports_};
  while (!inbound_mail_.stopped()) {
    // A new receiver may be for another far end, which has sent nothing yet.
    if (inbound_mail_.take(parameters, receiver, watchers)) last_heard_.set({});
    const engine::IoStatus status = take_turn(*pump, parameters, watchers);
    offloads.report_changes();
    if (status == engine::IoStatus::gone) return reports_.report_gone();
    if (const auto mtu = pump->take_path_mtu()) {
      reports_.report_path_mtu({.local = parameters.local, .remote = parameters.remote, .mtu = *mtu});
    }
    if (status != engine::IoStatus::empty) continue;
    receiver.wait(inbound_mail_.fd());
  }
}

}  // namespace sixin4::datapath
