// The sender of the IPv4 side, over a packet socket or a raw socket.
#pragma once

#include <optional>
#include <span>
#include <variant>

#include "sixin4/engine/packet.hpp"
#include "sixin4/io/features.hpp"
#include "sixin4/io/packet_sender.hpp"
#include "sixin4/io/raw_socket.hpp"
#include "sixin4/io/wire_ends.hpp"

namespace sixin4::io {

/// For one thread. The kind of socket is looked up once a batch, not once a packet.
class WireSender {
 public:
  /// Uses a packet socket if there is a next hop, else a raw socket. Throws std::system_error that names the
  /// failed call and the remedy.
  WireSender(const WireEnds& ends, const std::optional<NextHop>& next_hop)
      : sender_(next_hop ? Sender{std::in_place_type<PacketSender>, *next_hop}
                         : Sender{std::in_place_type<RawSender>, ends}) {}

  [[nodiscard]] bool finishes_checksums() const noexcept {
    const auto* const packet = std::get_if<PacketSender>(&sender_);
    return packet != nullptr && packet->finishes_checksums();
  }
  [[nodiscard]] Features features() const {
    return std::visit([](const auto& sender) { return sender.features(); }, sender_);
  }
  [[nodiscard]] engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept {
    // Not by std::visit, which throws for a variant without a value. This one always has one of the two.
    if (auto* const raw = std::get_if<RawSender>(&sender_)) return raw->send(batch);
    return std::get_if<PacketSender>(&sender_)->send(batch);
  }

 private:
  using Sender = std::variant<RawSender, PacketSender>;
  Sender sender_;
};

}  // namespace sixin4::io
