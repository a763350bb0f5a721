#include "endpoint.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sixin4 {

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

}  // namespace

Endpoint::Endpoint(std::span<const io::TunDevice> queues, const engine::TunnelParameters& parameters,
                   const io::WireEnds& ends, const std::optional<io::NextHop>& next_hop)
    : ends_(ends), next_hop_(next_hop) {
  auto sockets = open_sockets(queues.size(), ends, true, next_hop, true);
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const engine::Share share{.index = static_cast<std::uint32_t>(i),
                              .count = static_cast<std::uint32_t>(queues.size())};
    workers_.push_back(
        std::make_unique<Worker>(queues[i], share, reports_, parameters, std::move(sockets[i])));
  }
}

void Endpoint::reconfigure(const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                           const std::optional<io::NextHop>& next_hop) {
  const bool other_ends = ends != ends_;
  auto sockets =
      open_sockets(workers_.size(), ends, other_ends, next_hop, other_ends || next_hop != next_hop_);
  ends_ = ends;
  next_hop_ = next_hop;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->reconfigure(parameters, std::move(sockets[i]));
  }
}

engine::DirectionTotals Endpoint::out() const noexcept {
  engine::DirectionTotals totals;
  for (const auto& worker : workers_) totals.add(worker->out());
  return totals;
}

engine::DirectionTotals Endpoint::in() const noexcept {
  engine::DirectionTotals totals;
  for (const auto& worker : workers_) totals.add(worker->in());
  return totals;
}

engine::Time Endpoint::last_heard() const noexcept {
  engine::Time last{};
  for (const auto& worker : workers_) last = std::max(last, worker->last_heard());
  return last;
}

}  // namespace sixin4
