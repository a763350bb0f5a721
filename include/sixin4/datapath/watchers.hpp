// Who is told of every packet that a worker's thread carries: the flight recorder, and whoever captures.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sixin4/capture/live_tap.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/engine/observer.hpp"

namespace sixin4::datapath {

/// An observer of packets, for one thread.
class Watchers {
 public:
  explicit Watchers(std::shared_ptr<capture::Recorder> recorder) : recorder_(std::move(recorder)) {}

  void use(std::shared_ptr<capture::Recorder> recorder) { recorder_ = std::move(recorder); }
  /// For as long as somebody else keeps it.
  void add(const std::weak_ptr<capture::LiveTap>& tap) {
    taps_.push_back(tap);
    held_.reserve(taps_.size());
  }
  /// Who is told where nobody captures.
  [[nodiscard]] capture::Recorder& recorder() noexcept { return *recorder_; }
  [[nodiscard]] bool nobody_captures() const noexcept { return taps_.empty(); }

  void begin(engine::Time now) noexcept {
    std::erase_if(taps_, [this](const std::weak_ptr<capture::LiveTap>& tap) {
      auto held = tap.lock();
      const bool gone = held == nullptr;
      if (!gone) held_.push_back(std::move(held));
      return gone;
    });
    each([&](auto& watcher) noexcept { watcher.begin(now); });
  }
  void from_tun(engine::PacketId id, wire::Bytes packet) noexcept {
    each([&](auto& watcher) noexcept { watcher.from_tun(id, packet); });
  }
  void from_wire(engine::PacketId id, wire::Bytes packet) noexcept {
    each([&](auto& watcher) noexcept { watcher.from_wire(id, packet); });
  }
  void withdrawn(engine::PacketId id) noexcept {
    each([&](auto& watcher) noexcept { watcher.withdrawn(id); });
  }
  void refused(engine::PacketId id, engine::Verdict verdict) noexcept {
    each([&](auto& watcher) noexcept { watcher.refused(id, verdict); });
  }
  void to_wire(engine::PacketId id, std::span<const wire::Bytes> parts, engine::Verdict verdict) noexcept {
    each([&](auto& watcher) noexcept { watcher.to_wire(id, parts, verdict); });
  }
  void to_tun(engine::PacketId id, wire::Bytes packet) noexcept {
    each([&](auto& watcher) noexcept { watcher.to_tun(id, packet); });
  }
  void answered(engine::PacketId id, wire::Bytes packet) noexcept {
    each([&](auto& watcher) noexcept { watcher.answered(id, packet); });
  }
  void end() noexcept {
    each([](auto& watcher) noexcept { watcher.end(); });
    held_.clear();
  }

 private:
  template <typename Tell>
  void each(Tell&& tell) noexcept {
    tell(*recorder_);
    for (const auto& tap : held_) tell(*tap);
  }

  std::shared_ptr<capture::Recorder> recorder_;
  std::vector<std::weak_ptr<capture::LiveTap>> taps_;
  std::vector<std::shared_ptr<capture::LiveTap>> held_;  ///< in a turn: none of them goes in the middle of it
};

static_assert(engine::PacketObserver<Watchers>);

}  // namespace sixin4::datapath
