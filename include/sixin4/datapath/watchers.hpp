// The observers of one worker thread: the flight recorder, and the taps of the captures under way.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sixin4/capture/live_tap.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/engine/observer.hpp"

namespace sixin4::datapath {

/// An engine::PacketObserver that passes each event to the flight recorder and to all taps. For one thread.
class Watchers {
 public:
  explicit Watchers(std::shared_ptr<capture::Recorder> recorder) : recorder_(std::move(recorder)) {}

  /// Replaces the flight recorder.
  void use(std::shared_ptr<capture::Recorder> recorder) { recorder_ = std::move(recorder); }
  /// Adds a tap. It is removed at the first turn after its capture has released it.
  void add(const std::weak_ptr<capture::LiveTap>& tap) {
    taps_.push_back(tap);
    locked_taps_.reserve(taps_.size());
  }
  /// The only observer while there is no tap.
  [[nodiscard]] capture::Recorder& recorder() noexcept { return *recorder_; }
  [[nodiscard]] bool has_taps() const noexcept { return !taps_.empty(); }

  void begin(engine::Time now) noexcept {
    std::erase_if(taps_, [this](const std::weak_ptr<capture::LiveTap>& tap) {
      auto locked = tap.lock();
      const bool expired = locked == nullptr;
      if (!expired) locked_taps_.push_back(std::move(locked));
      return expired;
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
    locked_taps_.clear();
  }

 private:
  template <typename Event>
  void each(Event&& event) noexcept {
    event(*recorder_);
    for (const auto& tap : locked_taps_) event(*tap);
  }

  std::shared_ptr<capture::Recorder> recorder_;
  std::vector<std::weak_ptr<capture::LiveTap>> taps_;
  std::vector<std::shared_ptr<capture::LiveTap>>
      locked_taps_;  ///< filled during a turn, so that no tap is destroyed in it
};

static_assert(engine::PacketObserver<Watchers>);

}  // namespace sixin4::datapath
