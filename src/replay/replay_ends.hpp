// The two ends of a replay's pumps: one packet of the capture in, and all that comes out is taken.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "sixin4/engine/packet.hpp"

namespace sixin4::replay {

/// In the place of the tun device.
class ReplayTun {
 public:
  /// `packet` stays until it is read, and is at most as large as what tun can hand over.
  void give(const wire::VnetHeader& offload, wire::Bytes packet) noexcept {
    offload_ = offload;
    waiting_ = packet;
  }

  engine::ReadResult read(wire::MutableBytes buffer) noexcept {
    if (!waiting_) return {.status = engine::IoStatus::empty};
    const wire::Bytes packet = *std::exchange(waiting_, std::nullopt);
    const wire::MutableBytes bytes = buffer.subspan(wire::vnet_header_size, packet.size());
    wire::copy(packet, bytes);
    return {.status = engine::IoStatus::ok, .packet = {.offload = offload_, .bytes = bytes}};
  }
  [[nodiscard]] static bool takes(engine::Offload /*offload*/) noexcept { return true; }
  static engine::IoStatus write(const wire::VnetHeader& /*offload*/,
                                std::span<const wire::Bytes> /*parts*/) noexcept {
    return engine::IoStatus::ok;
  }

 private:
  wire::VnetHeader offload_{};
  std::optional<wire::Bytes> waiting_;
};

/// In the place of the IPv4 side. It takes everything.
class ReplayWire {
 public:
  /// `packet` stays until it is received, and is changed by who receives it.
  void give(wire::MutableBytes packet) noexcept {
    packet_[0] = {.bytes = packet};
    arrived_ = true;
  }
  /// What it quotes stays until it is taken.
  void give(const engine::WireError& error) noexcept { error_ = error; }

  engine::ReceiveResult receive() noexcept {
    if (!std::exchange(arrived_, false)) return {.packets = {}, .status = engine::IoStatus::empty};
    return {.packets = packet_, .status = engine::IoStatus::ok};
  }
  std::optional<engine::WireError> next_error() noexcept { return std::exchange(error_, std::nullopt); }
  [[nodiscard]] static bool finishes_checksums() noexcept { return false; }
  static engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept {
    return {.sent = batch.size(), .status = engine::IoStatus::ok};
  }

 private:
  std::array<engine::WirePacket, 1> packet_{};
  bool arrived_ = false;
  std::optional<engine::WireError> error_;
};

}  // namespace sixin4::replay
