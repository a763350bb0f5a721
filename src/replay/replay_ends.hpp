// The tun device and the sockets of a replay. Each hands over one packet of the capture and accepts all
// output.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "sixin4/engine/packet.hpp"

namespace sixin4::replay {

/// Replaces the tun device.
class ReplayTun {
 public:
  /// `packet` must stay valid until it is read. It is at most as large as a read of a tun device.
  void give(const wire::VnetHeader& offload, wire::Bytes packet) noexcept {
    offload_ = offload;
    packet_ = packet;
  }

  engine::ReadResult read(wire::MutableBytes buffer) noexcept {
    if (!packet_) return {.status = engine::IoStatus::empty};
    const wire::Bytes packet = *std::exchange(packet_, std::nullopt);
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
  std::optional<wire::Bytes> packet_;
};

/// Replaces the sockets of the underlay.
class ReplayWire {
 public:
  /// `packet` must stay valid until it is received. The receiver changes it.
  void give(wire::MutableBytes packet) noexcept {
    packet_[0] = {.bytes = packet};
    arrived_ = true;
  }
  /// The quoted bytes must stay valid until the error is handled.
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
