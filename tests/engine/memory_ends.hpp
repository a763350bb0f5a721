// The two ends of a pump in memory, with queues of packets to read and lists of packets written. Both can be
// told to refuse.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "sixin4/engine/packet.hpp"

#include "packets.hpp"

namespace sixin4::test {

/// In place of a tun device.
class MemoryTun {
 public:
  std::deque<TunFrame> to_read;
  std::vector<TunFrame> written;
  engine::IoStatus when_empty = engine::IoStatus::empty;
  std::deque<engine::IoStatus> write_statuses;  ///< results of the next writes; then ok
  std::size_t reads = 0;

  engine::ReadResult read(wire::MutableBytes buffer) noexcept {
    ++reads;
    if (to_read.empty()) return {.status = when_empty};
    const TunFrame frame = std::move(to_read.front());
    to_read.pop_front();
    const wire::MutableBytes bytes = buffer.subspan(wire::vnet_header_size, frame.bytes.size());
    std::ranges::copy(frame.bytes, bytes.begin());
    return {.status = engine::IoStatus::ok, .packet = {.offload = frame.offload, .bytes = bytes}};
  }

  std::set<engine::Offload> lacks;    ///< offloads that takes() denies
  std::set<engine::Offload> refuses;  ///< offloads that write() refuses
  std::size_t refusals = 0;

  [[nodiscard]] bool takes(engine::Offload offload) const noexcept { return !lacks.contains(offload); }
  engine::IoStatus write(const wire::VnetHeader& offload, std::span<const wire::Bytes> parts) noexcept {
    const auto asked = engine::offload_asked_by(offload);
    if (asked && (lacks.contains(*asked) || refuses.contains(*asked))) {
      ++refusals;
      return engine::IoStatus::refused;
    }
    engine::IoStatus status = engine::IoStatus::ok;
    if (!write_statuses.empty()) {
      status = write_statuses.front();
      write_statuses.pop_front();
    }
    if (status == engine::IoStatus::ok) written.push_back({offload, octets_of(parts)});
    return status;
  }
};

/// In place of a raw socket.
class MemoryWire {
 public:
  std::vector<Octets> sent;
  std::vector<engine::UnfinishedChecksum> unfinished_sent;  ///< for each of these packets
  bool finishing = false;                                   ///< whether the link finishes checksums
  bool refuses_unfinished = false;  ///< refuse the first packet with an unfinished checksum
  std::size_t refusals = 0;
  std::vector<std::size_t> batches;             ///< number of packets in each call of send
  std::deque<engine::SendResult> send_results;  ///< results of the next calls; then all are sent
  std::deque<Octets> to_receive;
  engine::ReceiveOffload offload{};  ///< set in every received packet
  std::uint32_t lost = 0;            ///< reported with the next packets
  std::size_t receive_batch = 64;
  engine::IoStatus after_receive = engine::IoStatus::ok;

  [[nodiscard]] bool finishes_checksums() const noexcept { return finishing; }
  engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept {
    batches.push_back(batch.size());
    engine::SendResult result{.sent = batch.size()};
    if (!send_results.empty()) {
      result = send_results.front();
      send_results.pop_front();
    }
    if (refuses_unfinished) {
      const auto first =
          std::ranges::find_if(batch, [](const auto& packet) { return packet.checksum_start != 0; });
      const auto passed = static_cast<std::size_t>(first - batch.begin());
      // As in sendmmsg(2): the call that begins with the packet returns the error.
      if (passed == 0) {
        ++refusals;
        return {.sent = 0, .status = engine::IoStatus::refused};
      }
      result.sent = std::min(result.sent, passed);
    }
    for (const auto& packet : batch.first(result.sent)) {
      sent.push_back(octets_of(packet));
      unfinished_sent.push_back({.start = packet.checksum_start, .offset = packet.checksum_offset});
    }
    return result;
  }

  engine::ReceiveResult receive() noexcept {
    slots_.clear();
    while (slots_.size() < receive_batch && !to_receive.empty()) {
      slots_.push_back(std::move(to_receive.front()));
      to_receive.pop_front();
    }
    packets_.clear();
    for (Octets& slot : slots_) packets_.push_back({.bytes = slot, .offload = offload});
    return {.packets = packets_,
            .lost = std::exchange(lost, 0),
            .status = slots_.empty() ? engine::IoStatus::empty : after_receive};
  }

  std::optional<engine::WireError> next_error() noexcept {
    if (errors.empty()) return std::nullopt;
    quoted_ = std::move(errors.front().second);
    engine::WireError error = errors.front().first;
    errors.pop_front();
    error.quoted = quoted_;
    return error;
  }

  std::deque<std::pair<engine::WireError, Octets>> errors;  ///< each with its quotation

 private:
  Octets quoted_;
  std::vector<Octets> slots_;
  std::vector<engine::WirePacket> packets_;
};

}  // namespace sixin4::test
