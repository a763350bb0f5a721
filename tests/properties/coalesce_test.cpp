// Coalescing of any batch: cut again, it gives the same packets; packets of a flow stay in order, and a wrong
// checksum stays wrong.
#include "sixin4/engine/coalesce.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/inbound_pump.hpp"

#include "coalesced_batch.hpp"
#include "generators.hpp"
#include "memory_ends.hpp"

namespace sixin4::properties {
namespace {

/// One of a few flows of a batch, with its present position.
struct Flow {
  std::uint8_t protocol = protocol_tcp;
  std::uint16_t port = 0;
  std::uint8_t host = 0;
  bool timestamps = false;
  std::uint32_t sequence = 0;
  std::size_t size = 0;  ///< payload of a full packet

  [[nodiscard]] std::size_t headers() const {
    return protocol == protocol_udp ? 48 : 60U + (timestamps ? 12U : 0U);
  }
  [[nodiscard]] std::size_t checksum_field() const { return protocol == protocol_udp ? 6 : 16; }
};

Flow any_flow() {
  Flow flow;
  flow.protocol = *one_of<std::uint8_t>({protocol_tcp, protocol_udp});
  flow.port = *between<std::uint16_t>(1, 3);
  flow.host = *between<std::uint8_t>(1, 2);
  flow.timestamps = *rc::gen::arbitrary<bool>();
  flow.sequence = *one_of<std::uint32_t>({1000, 0xfffffc00U});
  flow.size = *one_of<std::size_t>({1, 100, 1220, 1421, 20000});
  return flow;
}

/// The next packet of the flow, mostly one that continues it.
TunFrame next_of(Flow& flow) {
  const int kind = *between(0, 30);
  std::size_t length = flow.size;
  if (kind == 0) length = *between<std::size_t>(0, flow.size + 10);
  if (kind == 1) flow.sequence += *one_of<std::uint32_t>({1, 0xffffffffU, 5000});
  const auto seed = *between<std::uint32_t>(0, 0xffff);
  TunFrame frame;
  if (flow.protocol == protocol_tcp) {
    std::uint8_t flags = tcp_ack;
    if (kind == 2) flags |= tcp_psh;
    if (kind == 3) flags |= tcp_fin;
    if (kind == 4) flags = *any_octet();
    frame.bytes = packet_of(Tcp{.sequence = flow.sequence,
                                .flags = flags,
                                .timestamps = flow.timestamps,
                                .payload = octets_from(seed, length)});
    flow.sequence += static_cast<std::uint32_t>(length);
  } else {
    frame.bytes = packet_of(Udp{.payload = octets_from(seed, length)});
  }
  frame.bytes[39] = flow.host;
  put_word(frame.bytes, 40, flow.port);
  if (kind == 5) {  // any header bit but those that identify the headers
    const auto at = *between<std::size_t>(40, flow.headers() - 1);
    if (at != 52) frame.bytes[at] ^= static_cast<std::uint8_t>(1U << *between<unsigned>(0, 7));
  }
  if (kind == 6) frame.bytes[*one_of<std::size_t>({1, 3, 7})] ^= 0x20;
  finish_checksum(frame.bytes, 40, flow.checksum_field(), flow.protocol);

  if (kind == 7) {
    frame.bytes[*between<std::size_t>(40, frame.bytes.size() - 1)] ^= *between<std::uint8_t>(1, 255);
  } else if (kind == 8) {
    put_word(frame.bytes, 40 + flow.checksum_field(), *one_of<unsigned>({0, 0xffff}));
  } else if (kind == 9 || kind == 10) {
    unfinish_checksum(frame.bytes, 40, flow.checksum_field(), flow.protocol);
    frame.offload = {.needs_checksum = true,
                     .header_length = static_cast<std::uint16_t>(flow.headers()),
                     .checksum_start = 40,
                     .checksum_offset = static_cast<std::uint16_t>(flow.checksum_field())};
    if (kind == 10 && length > 1) {  // joined as by receive offload
      frame.offload.gso = flow.protocol == protocol_tcp ? wire::Gso::tcp6 : wire::Gso::udp;
      frame.offload.gso_size = static_cast<std::uint16_t>((length + 1) / 2);
    }
  }
  return frame;
}

std::vector<TunFrame> any_batch() {
  std::vector<Flow> flows;
  for (auto count = *between<std::size_t>(1, 4); count > 0; --count) flows.push_back(any_flow());
  std::vector<TunFrame> batch;
  for (auto count = *between<std::size_t>(1, 150); count > 0; --count) {
    if (*between(0, 19) == 0) {
      Plan plan = *any_packet(2000);
      plan.extensions = {{*one_of<std::uint8_t>({0, 44, 60}), 1}};
      TunFrame frame{.bytes = packet_of(plan)};
      frame.bytes[39] = *between<std::uint8_t>(1, 2);
      batch.push_back(frame);
    } else {
      batch.push_back(next_of(flows[*between<std::size_t>(0, flows.size() - 1)]));
    }
  }
  return batch;
}

Writes coalesced(std::vector<TunFrame> batch, bool joins_udp) {
  Writes writes;
  const auto write = [&](const engine::Coalesced& packet) noexcept { writes.add(packet); };
  engine::Coalescer coalescer{joins_udp};
  for (TunFrame& frame : batch) {
    coalescer.add({.packet = frame.packet(), .wire_bytes = static_cast<std::uint32_t>(frame.bytes.size())},
                  write);
  }
  coalescer.close_all(write);
  return writes;
}

RC_GTEST_PROP(Coalescing, CutAgainItIsWhatCame, ()) {
  const std::vector<TunFrame> batch = any_batch();
  const bool joins_udp = *rc::gen::arbitrary<bool>();
  const Writes writes = coalesced(batch, joins_udp);
  std::vector<Piece> came;
  std::uint64_t bytes = 0;
  for (const TunFrame& frame : batch) {
    came.push_back({.offload = frame.offload, .bytes = frame.bytes});
    bytes += frame.bytes.size();
  }
  RC_TAG(writes.pieces.size() == batch.size() ? "nothing joined" : "some joined");
  RC_ASSERT(fault_of(came, writes.pieces).empty());
  RC_ASSERT(writes.packets == batch.size());
  RC_ASSERT(writes.wire_bytes == bytes);
  RC_ASSERT(writes.most_parts <= engine::max_tun_parts);
  for (const Piece& write : writes.pieces) {
    RC_ASSERT(write.bytes.size() == 40U + word_at(write.bytes, 4));
    RC_ASSERT(
        (joins_udp || write.offload.gso != wire::Gso::udp || std::ranges::find(came, write) != came.end()));
  }
}

// Two consecutive writes of a flow that could have been joined are joined.
RC_GTEST_PROP(Coalescing, AFlowOfOneSizeIsInAsFewWritesAsItFits, ()) {
  Flow flow = any_flow();
  flow.size = *one_of<std::size_t>({1, 100, 1000, *between<std::size_t>(1, 20000)});
  const auto count = *one_of<std::size_t>({64, 65, 128, *between<std::size_t>(1, 150)});
  std::vector<TunFrame> batch;
  for (std::size_t number = 0; number < count; ++number) {
    const Octets payload = octets_from(static_cast<std::uint32_t>(number), flow.size);
    batch.push_back({.bytes = flow.protocol == protocol_udp ? packet_of(Udp{.payload = payload})
                                                            : packet_of(Tcp{.sequence = flow.sequence,
                                                                            .timestamps = flow.timestamps,
                                                                            .payload = payload})});
    flow.sequence += static_cast<std::uint32_t>(flow.size);
    // In TCP a checksum of 0 where segmentation would write 0xffff.
    RC_PRE(word_at(batch.back().bytes, 40 + flow.checksum_field()) != 0U);
  }
  const std::size_t each = std::min<std::size_t>(64, (65535 + 40 - flow.headers()) / flow.size);
  RC_ASSERT(coalesced(batch, true).pieces.size() == (count + each - 1) / each);
}

/// The packets that a device gets of one batch; it refuses `refused`.
std::vector<TunFrame> written_of(const std::vector<Octets>& batch, std::set<engine::Offload> refused) {
  MemoryWire wire;
  MemoryTun tun;
  tun.refuses = std::move(refused);
  engine::DirectionCounters counters;
  engine::LastTime last_heard;
  for (const Octets& packet : batch) wire.to_receive.push_back(outer_packet(packet));
  const auto pump =
      std::make_unique<engine::InboundPump<MemoryWire, MemoryTun>>(wire, tun, counters, last_heard);
  pump->turn(near_parameters(), engine::Time{});
  for (const auto& drop : counters.drops) RC_ASSERT(drop.value() == 0U);
  RC_ASSERT(counters.packets.value() >= batch.size());
  return std::move(tun.written);
}

// A device that refuses super-packets gets the same packets as from the kernel's segmentation, also if the
// first packet of a run was merged.
RC_GTEST_PROP(Coalescing, RefusedItIsWrittenAsTheKernelWouldHaveCutIt, ()) {
  Flow flow = any_flow();
  flow.size = *one_of<std::size_t>({1, 100, 1000, *between<std::size_t>(1, 1400)});
  const auto count = *between<std::size_t>(1, 64);
  const bool tcp = flow.protocol == protocol_tcp;
  const bool merged = tcp && *rc::gen::arbitrary<bool>();
  std::vector<Octets> batch;
  for (std::size_t number = 0; number < count; ++number) {
    std::size_t size = flow.size;
    if (merged && number == 0) size = *between<std::size_t>(1400, 9000);
    if (number + 1 == count) size = *between<std::size_t>(1, size);
    std::uint8_t flags = tcp_ack;
    if (number == 0 && *rc::gen::arbitrary<bool>()) flags |= tcp_cwr;
    if (number + 1 == count) flags |= *one_of<std::uint8_t>({0, tcp_psh, tcp_fin});
    const Octets payload = octets_from(static_cast<std::uint32_t>(number), size);
    const Tcp segment{.sequence = flow.sequence,
                      .flags = flags,
                      .timestamps = flow.timestamps,
                      .payload = payload,
                      .source = far_host,
                      .destination = near_host};
    const Udp datagram{.payload = payload, .source = far_host, .destination = near_host};
    // A raw socket leaves a datagram whose right checksum equals the pseudo-header sum to the packet socket.
    RC_PRE(tcp || packet_of(datagram) != unfinished(datagram).bytes);
    batch.push_back(!tcp                    ? packet_of(datagram)
                    : merged && number == 0 ? unfinished(segment).bytes
                                            : packet_of(segment));
    flow.sequence += static_cast<std::uint32_t>(size);
  }

  std::vector<Octets> cut;
  for (const TunFrame& frame : written_of(batch, {})) {
    RC_TAG(frame.offload.gso == wire::Gso::none ? "one" : "a super-packet");
    if (frame.offload.gso == wire::Gso::none) {
      TunFrame whole = frame;
      engine::TunPacket packet = whole.packet();
      RC_ASSERT(engine::finish_checksum(packet));
      cut.push_back(whole.bytes);
    } else {
      for (const Piece& piece : segments_of({.offload = frame.offload, .bytes = frame.bytes}))
        cut.push_back(piece.bytes);
    }
  }
  std::vector<Octets> written;
  for (const TunFrame& frame :
       written_of(batch, {engine::Offload::checksum, engine::Offload::tcp, engine::Offload::udp})) {
    RC_ASSERT(frame.offload == wire::VnetHeader{});
    written.push_back(frame.bytes);
  }
  RC_ASSERT(written == cut);
}

}  // namespace
}  // namespace sixin4::properties
