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

/// One set for each of `count` workers, with what is asked for.
std::vector<WorkerSockets> open_sockets(std::size_t count, const io::WireEnds& ends, bool receivers,
                                        const std::optional<io::NextHop>& next_hop, bool senders) {
  std::vector<WorkerSockets> sockets(count);
  for (std::size_t i = 0; i < count; ++i) {
    const engine::Share share{.index = static_cast<std::uint32_t>(i),
                              .count = static_cast<std::uint32_t>(count)};
    if (receivers) sockets[i].receiver.emplace(ends, share);
    if (senders) sockets[i].sender.emplace(ends, next_hop);
  }
  return sockets;
}

Recorders make_recorders(std::size_t workers, std::uint32_t packets) {
  Recorders recorders{.packets = packets, .of_workers = std::vector<WorkerRecorders>(workers)};
  try {
    for (WorkerRecorders& pair : recorders.of_workers) {
      pair.outbound = std::make_shared<capture::Recorder>(packets);
      pair.inbound = std::make_shared<capture::Recorder>(packets);
    }
  } catch (const std::bad_alloc&) {
    throw base::system_failure("recorder: there is no memory for " + std::to_string(packets) + " packets",
                               ENOMEM);
  }
  return recorders;
}

/// One thread's part of a capture.
struct Tap {
  Tap(std::size_t ring_size, std::uint32_t snap_length)
      : memory(ring_size), live(memory.bytes(), snap_length) {}
  capture::RingMemory memory;
  capture::LiveTap live;
};

/// Both in one ownership.
std::shared_ptr<capture::LiveTap> live_of(const std::shared_ptr<Tap>& tap) {
  return {tap, &tap->live};
}

}  // namespace

Workers::Workers(std::span<const io::TunDevice> queues, const engine::TunnelParameters& parameters,
                 const io::WireEnds& ends, const std::optional<io::NextHop>& next_hop, std::uint32_t recorder)
    : ends_(ends), next_hop_(next_hop), recorders_(datapath::make_recorders(queues.size(), recorder)) {
  auto sockets = open_sockets(queues.size(), ends, true, next_hop, true);
  note_features(sockets);
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const engine::Share share{.index = static_cast<std::uint32_t>(i),
                              .count = static_cast<std::uint32_t>(queues.size())};
    workers_.push_back(std::make_unique<Worker>(queues[i], share, reports_, parameters, std::move(sockets[i]),
                                                recorders_.of_workers[i]));
  }
}

void Workers::reconfigure(const engine::TunnelParameters& parameters) {
  ends_.reset();
  for (const auto& worker : workers_) worker->reconfigure(parameters, {});
}

void Workers::reconfigure(const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                          const std::optional<io::NextHop>& next_hop) {
  const bool other_ends = ends_ != ends;
  auto sockets =
      open_sockets(workers_.size(), ends, other_ends, next_hop, other_ends || next_hop != next_hop_);
  ends_ = ends;
  next_hop_ = next_hop;
  note_features(sockets);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->reconfigure(parameters, std::move(sockets[i]));
  }
}

/// Every worker has the same new ones.
void Workers::note_features(const std::vector<WorkerSockets>& sockets) {
  if (sockets.front().receiver) receiving_.clear();
  if (sockets.front().sender) sending_.clear();
  for (const WorkerSockets& each : sockets) {
    if (each.receiver) io::merge(each.receiver->features(), receiving_);
    if (each.sender) io::merge(each.sender->features(), sending_);
  }
}

io::Features Workers::features() const {
  io::Features features = receiving_;
  io::merge(sending_, features);
  const auto note = [&features](const engine::DirectionTotals& totals, engine::Offload offload,
                                const char* name, const char* text) {
    if (totals.gave_up[static_cast<std::size_t>(offload)]) io::merge({{name, text}}, features);
  };
  const engine::DirectionTotals inward = in();
  note(inward, engine::Offload::tcp, "tun-in-tcp",
       "the tun device refused TCP super-packets: they are written as segments");
  note(inward, engine::Offload::udp, "tun-in-udp",
       "the tun device refused UDP super-packets: they are written as datagrams");
  note(inward, engine::Offload::checksum, "tun-in-checksum",
       "the tun device refused packets with unfinished checksums: they are finished before");
  note(out(), engine::Offload::checksum, "send-checksum",
       "the packet socket refused packets with unfinished checksums: they are finished before");
  return features;
}

LiveCapture Workers::capture(std::uint32_t snap_length) {
  std::erase_if(captures_, [](const Running& each) { return each.capture.expired(); });
  std::size_t in_use = 0;
  for (const Running& each : captures_) in_use += each.memory;
  const std::size_t count = 2 * workers_.size();
  const std::size_t size = capture::ring_size(count, in_use);
  LiveCapture capture;
  std::vector<WorkerTaps> taps;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto outbound = std::make_shared<Tap>(size, snap_length);
    const auto inbound = std::make_shared<Tap>(size, snap_length);
    capture.rings.push_back(outbound->memory.take_descriptor());
    capture.rings.push_back(inbound->memory.take_descriptor());
    taps.push_back({.outbound = live_of(outbound), .inbound = live_of(inbound)});
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->capture(taps[i]);
  capture.lasting = std::make_shared<std::vector<WorkerTaps>>(std::move(taps));
  captures_.push_back({.capture = capture.lasting, .memory = count * size});
  return capture;
}

Recorders Workers::make_recorders(std::uint32_t packets) const {
  return packets == recorders_.packets ? recorders_ : datapath::make_recorders(workers_.size(), packets);
}

void Workers::record(Recorders recorders) {
  if (recorders.packets == recorders_.packets) return;
  recorders_ = std::move(recorders);
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->record(recorders_.of_workers[i]);
}

/// Never holds more than the packets of two recorders, however many there are.
std::vector<capture::Recorded> Workers::recorded() const {
  std::vector<capture::Recorded> packets;
  for (const WorkerRecorders& pair : recorders_.of_workers) {
    for (const auto& recorder : {pair.outbound, pair.inbound}) {
      const auto former = static_cast<std::ptrdiff_t>(packets.size());
      std::ranges::move(recorder->packets(), std::back_inserter(packets));
      std::ranges::inplace_merge(packets, packets.begin() + former, {},
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
