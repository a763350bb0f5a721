#include "sixin4/datapath/workers.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/capture/capture_memory.hpp"
#include "sixin4/capture/ring_memory.hpp"

namespace sixin4::datapath {

namespace {

engine::Share share_of(std::size_t index, std::size_t count) {
  return {.index = static_cast<std::uint32_t>(index), .count = static_cast<std::uint32_t>(count)};
}

void open_receivers(std::vector<WorkerSockets>& sockets, const io::WireEnds& ends) {
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    sockets[i].receiver.emplace(ends, share_of(i, sockets.size()));
  }
}

void open_senders(std::vector<WorkerSockets>& sockets, const io::WireEnds& ends,
                  const std::optional<io::NextHop>& next_hop) {
  for (WorkerSockets& each : sockets) each.sender.emplace(ends, next_hop);
}

Recorders empty_recorders(std::size_t workers, std::uint32_t packets) {
  Recorders recorders{.packets = packets, .workers = std::vector<WorkerRecorders>(workers)};
  try {
    for (WorkerRecorders& worker : recorders.workers) {
      worker.outbound = std::make_shared<capture::Recorder>(packets);
      worker.inbound = std::make_shared<capture::Recorder>(packets);
    }
  } catch (const std::bad_alloc&) {
    throw base::system_failure("recorder: there is no memory for " + std::to_string(packets) + " packets",
                               ENOMEM);
  }
  return recorders;
}

/// A thread's tap of one capture, with the memory of its ring.
struct TapWithMemory {
  TapWithMemory(std::size_t ring_size, std::uint32_t snap_length)
      : memory(ring_size), tap(memory.bytes(), snap_length) {}
  capture::RingMemory memory;
  capture::LiveTap tap;
};

/// Shares the ownership: the memory of the ring lives as long as the pointer to the tap.
std::shared_ptr<capture::LiveTap> tap_of(const std::shared_ptr<TapWithMemory>& owner) {
  return {owner, &owner->tap};
}

}  // namespace

Workers::Workers(std::span<const io::TunDevice> queues, const engine::TunnelParameters& parameters,
                 const io::WireEnds& ends, const std::optional<io::NextHop>& next_hop, std::uint32_t recorder)
    : ends_(ends), next_hop_(next_hop), recorders_(empty_recorders(queues.size(), recorder)) {
  std::vector<WorkerSockets> sockets(queues.size());
  open_receivers(sockets, ends);
  open_senders(sockets, ends, next_hop);
  note_features(sockets);
  for (std::size_t i = 0; i < queues.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(queues[i], share_of(i, queues.size()), reports_, parameters,
                                                std::move(sockets[i]), recorders_.workers[i]));
  }
}

void Workers::reconfigure(const engine::TunnelParameters& parameters) {
  ends_.reset();
  for (const auto& worker : workers_) worker->reconfigure(parameters, {});
}

void Workers::reconfigure(const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                          const std::optional<io::NextHop>& next_hop) {
  const bool new_ends = ends_ != ends;
  std::vector<WorkerSockets> sockets(workers_.size());
  if (new_ends) open_receivers(sockets, ends);
  if (new_ends || next_hop != next_hop_) open_senders(sockets, ends, next_hop);
  ends_ = ends;
  next_hop_ = next_hop;
  note_features(sockets);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->reconfigure(parameters, std::move(sockets[i]));
  }
}

/// Replaces the features of the sockets that are new. All workers get new sockets of the same kinds.
void Workers::note_features(const std::vector<WorkerSockets>& sockets) {
  if (sockets.front().receiver) receiver_features_.clear();
  if (sockets.front().sender) sender_features_.clear();
  for (const WorkerSockets& each : sockets) {
    if (each.receiver) io::merge(each.receiver->features(), receiver_features_);
    if (each.sender) io::merge(each.sender->features(), sender_features_);
  }
}

io::Features Workers::features() const {
  io::Features features = receiver_features_;
  io::merge(sender_features_, features);
  const auto note = [&features](const engine::DirectionTotals& totals, engine::Offload offload,
                                const char* name, const char* reason) {
    if (totals.gave_up[static_cast<std::size_t>(offload)]) io::merge({{name, reason}}, features);
  };
  const engine::DirectionTotals inbound = in();
  note(inbound, engine::Offload::tcp, "tun-in-tcp",
       "writing TCP super-packets to the tun device failed: segments are written");
  note(inbound, engine::Offload::udp, "tun-in-udp",
       "writing UDP super-packets to the tun device failed: single datagrams are written");
  note(inbound, engine::Offload::checksum, "tun-in-checksum",
       "writing packets with partial checksums to the tun device failed: the endpoint completes them");
  note(out(), engine::Offload::checksum, "send-checksum",
       "sending packets with partial checksums by the packet socket failed: the endpoint completes them");
  return features;
}

LiveCapture Workers::capture(std::uint32_t snap_length) {
  std::erase_if(captures_, [](const RunningCapture& each) { return each.lifetime.expired(); });
  std::size_t in_use = 0;
  for (const RunningCapture& each : captures_) in_use += each.memory;
  const std::size_t rings = 2 * workers_.size();
  const std::size_t size = capture::ring_size(rings, in_use);
  LiveCapture capture;
  std::vector<WorkerTaps> taps;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto outbound = std::make_shared<TapWithMemory>(size, snap_length);
    const auto inbound = std::make_shared<TapWithMemory>(size, snap_length);
    capture.rings.push_back(outbound->memory.take_descriptor());
    capture.rings.push_back(inbound->memory.take_descriptor());
    taps.push_back({.outbound = tap_of(outbound), .inbound = tap_of(inbound)});
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->capture(taps[i]);
  capture.lifetime = std::make_shared<std::vector<WorkerTaps>>(std::move(taps));
  captures_.push_back({.lifetime = capture.lifetime, .memory = rings * size});
  return capture;
}

Recorders Workers::recorders_for(std::uint32_t packets) const {
  return packets == recorders_.packets ? recorders_ : empty_recorders(workers_.size(), packets);
}

void Workers::record(Recorders recorders) {
  if (recorders.packets == recorders_.packets) return;
  recorders_ = std::move(recorders);
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->record(recorders_.workers[i]);
}

/// Merges one recorder after the other and cuts the result to the newest packets each time, so that the
/// memory is that of two recorders and not of all.
std::vector<capture::Recorded> Workers::recorded() const {
  std::vector<capture::Recorded> packets;
  for (const WorkerRecorders& worker : recorders_.workers) {
    for (const auto& recorder : {worker.outbound, worker.inbound}) {
      const auto merged = static_cast<std::ptrdiff_t>(packets.size());
      std::ranges::move(recorder->packets(), std::back_inserter(packets));
      std::ranges::inplace_merge(packets, packets.begin() + merged, {},
                                 [](const capture::Recorded& each) { return each.seen.time; });
      const std::size_t surplus = packets.size() - std::min<std::size_t>(packets.size(), recorders_.packets);
      packets.erase(packets.begin(), packets.begin() + static_cast<std::ptrdiff_t>(surplus));
    }
  }
  return packets;
}

engine::DirectionTotals Workers::out() const noexcept {
  engine::DirectionTotals totals;
  for (const auto& worker : workers_) totals.add(worker->out());
  return totals;
}

engine::DirectionTotals Workers::in() const noexcept {
  engine::DirectionTotals totals;
  for (const auto& worker : workers_) totals.add(worker->in());
  return totals;
}

engine::Time Workers::last_heard() const noexcept {
  engine::Time last{};
  for (const auto& worker : workers_) last = std::max(last, worker->last_heard());
  return last;
}

}  // namespace sixin4::datapath
