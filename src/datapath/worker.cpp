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

void wait_for_either(int one, int other) noexcept {
  std::array<pollfd, 2> polled{
      {{.fd = one, .events = POLLIN, .revents = 0}, {.fd = other, .events = POLLIN, .revents = 0}}};
  (void)::poll(polled.data(), polled.size(), -1);
}

template <typename... What>
std::thread start_thread(What&&... what) {
  try {
    return std::thread{std::forward<What>(what)...};
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "cannot start a thread");
  }
}

/// Tells the control thread when a worker has given up another offload.
class OffloadReporter {
 public:
  OffloadReporter(const engine::DirectionCounters& counters, WorkerReports& reports) noexcept
      : counters_(counters), reports_(reports) {}
  void look() noexcept {
    if (const std::size_t now = counters_.given_up(); now != std::exchange(told_, now))
      reports_.tell_offload();
  }

 private:
  const engine::DirectionCounters& counters_;
  WorkerReports& reports_;
  std::size_t told_ = 0;
};

/// Where nobody captures, a turn costs no more than to see that.
template <typename Pump>
engine::IoStatus take_turn(Pump& pump, const engine::TunnelParameters& parameters, Watchers& watchers) {
  const auto now = std::chrono::steady_clock::now();
  return watchers.nobody_captures() ? pump.turn(parameters, now, watchers.recorder())
                                    : pump.turn(parameters, now, watchers);
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
    outbound_.join();  // a thread that nobody has joined takes the program with it
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
  OffloadReporter offload{out_, reports_};
  while (!outbound_mail_.stopped()) {
    (void)outbound_mail_.take(parameters, sender, watchers);
    const engine::IoStatus status = take_turn(*pump, parameters, watchers);
    offload.look();
    if (status == engine::IoStatus::gone) return reports_.tell_gone();
    if (status != engine::IoStatus::ok) wait_for_either(tun_.fd(), outbound_mail_.fd());
  }
}

void Worker::run_inbound(engine::TunnelParameters parameters, io::RawReceiver receiver, Watchers watchers) {
  const auto pump = std::make_unique<engine::InboundPump<io::RawReceiver, const io::TunDevice>>(
      receiver, tun_, in_, last_heard_, share_);
  OffloadReporter offload{in_, reports_};
  while (!inbound_mail_.stopped()) {
    // Another far end has not been heard yet.
    if (inbound_mail_.take(parameters, receiver, watchers)) last_heard_.set({});
    const engine::IoStatus status = take_turn(*pump, parameters, watchers);
    offload.look();
    if (status == engine::IoStatus::gone) return reports_.tell_gone();
    if (const auto mtu = pump->take_path_mtu()) {
      reports_.tell_path_mtu({.local = parameters.local, .remote = parameters.remote, .mtu = *mtu});
    }
    if (status != engine::IoStatus::empty) continue;
    receiver.wait(inbound_mail_.fd());
  }
}

}  // namespace sixin4::datapath
