// Two ends connected in memory: every packet from one tun arrives at the other with the same bytes, and every
// super-packet as the same byte stream, in packets that libtins finds valid.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"
#include "sixin4/wire/ipv6.hpp"

#include "memory_ends.hpp"
#include "packets.hpp"
#include "receive_offload.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

/// One read of a tun device, and the packet expected at the other end.
struct Sent {
  TunFrame frame;
  Octets finished;            ///< the whole packet with its checksums
  std::size_t transport = 0;  ///< offset of TCP or UDP
  std::size_t headers = 0;    ///< of all headers
  std::size_t arrives_as = 1;
  [[nodiscard]] bool is_super() const { return frame.offload.gso != wire::Gso::none; }
  [[nodiscard]] bool is_tcp() const { return frame.offload.gso == wire::Gso::tcp6; }
};

class Traffic {
 public:
  Traffic(std::mt19937& random, std::size_t mtu, std::string source, std::string destination)
      : random_(random), mtu_(mtu), source_(std::move(source)), destination_(std::move(destination)) {}

  Sent next() {
    switch (below(6)) {
      case 0:
        return plain(tcp(below(mtu_ - 400)));
      case 1:
        return plain(udp(below(mtu_ - 400)));
      case 2:
        return cut(udp(1 + below(20000)));
      case 3:
        return echo();
      default:
        return cut(tcp(1 + below(60000)));
    }
  }

  Sent tcp_super_packet() { return cut(tcp(1 + below(60000))); }

 private:
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_);
  }
  std::vector<Extension> extensions() {
    std::vector<Extension> chain;
    if (below(4) == 0) chain.push_back(options_extension(0, 1));
    for (std::size_t count = below(4); count > 1; --count) {
      chain.push_back(options_extension(60, 1 + below(10)));
    }
    return chain;
  }
  Tcp tcp(std::size_t payload) {
    return {.sequence = static_cast<std::uint32_t>(random_()),
            .flags = static_cast<std::uint8_t>(tcp_ack | (random_() & 0xffU & ~0x06U)),  // no SYN, no RST
            .timestamps = below(2) == 0,
            .payload = random_octets(random_, payload),
            .extensions = extensions(),
            .traffic_class = static_cast<std::uint8_t>(random_()),
            .source = source_,
            .destination = destination_};
  }
  Udp udp(std::size_t payload) {
    return {.payload = random_octets(random_, payload),
            .extensions = extensions(),
            .traffic_class = static_cast<std::uint8_t>(random_()),
            .source = source_,
            .destination = destination_};
  }

  template <typename Fields>
  Sent plain(const Fields& fields) {
    Sent sent{.frame = {.bytes = packet_of(fields)}, .finished = packet_of(fields)};
    if (below(2) == 0) sent.frame = unfinished(fields);
    return sent;
  }
  template <typename Fields>
  Sent cut(const Fields& fields) {
    const std::size_t headers = headers_of(fields);
    const std::size_t size = std::max<std::size_t>(200, 1 + below(mtu_ - headers));
    Sent sent{.frame = super_packet(fields, static_cast<std::uint16_t>(size)),
              .finished = packet_of(fields),
              .headers = headers,
              .arrives_as = (fields.payload.size() + size - 1) / size};
    sent.transport = sent.frame.offload.checksum_start;
    return sent;
  }
  Sent echo() {
    Tins::ICMPv6 request(Tins::ICMPv6::ECHO_REQUEST);
    request.sequence(static_cast<std::uint16_t>(random_()));
    const Octets packet = serialized(source_, destination_, 0,
                                     request / Tins::RawPDU(random_octets(random_, below(mtu_ - 400))));
    return {.frame = {.bytes = packet}, .finished = packet};
  }

  std::mt19937& random_;
  std::size_t mtu_;
  std::string source_;
  std::string destination_;
};

Octets payload_of_packet(const Octets& packet, std::size_t headers) {
  return {packet.begin() + static_cast<std::ptrdiff_t>(headers), packet.end()};
}

/// Each packet of the super-packet `sent` is valid, and together they carry its bytes in order.
void expect_same_stream(const Sent& sent, const std::vector<Octets>& packets, std::size_t mtu) {
  Octets stream;
  for (const Octets& packet : packets) {
    ASSERT_EQ(packet, rewritten_by_libtins(packet));
    ASSERT_LE(packet.size(), mtu);
    if (sent.is_tcp()) {
      const Tins::IPv6 parsed(packet.data(), static_cast<std::uint32_t>(packet.size()));
      const auto& tcp = parsed.rfind_pdu<Tins::TCP>();
      unsigned flags = sent.finished[sent.transport + 13];
      if (&packet != &packets.front()) flags &= ~unsigned{tcp_cwr};
      if (&packet != &packets.back()) flags &= ~unsigned{tcp_fin | tcp_psh};
      ASSERT_EQ(tcp.flags(), flags);
      const std::uint32_t first =
          word_at(sent.finished, sent.transport + 4) * 65536U + word_at(sent.finished, sent.transport + 6);
      ASSERT_EQ(tcp.seq(), first + static_cast<std::uint32_t>(stream.size()));
    }
    const Octets payload = payload_of_packet(packet, sent.headers);
    stream.insert(stream.end(), payload.begin(), payload.end());
  }
  EXPECT_EQ(stream, payload_of_packet(sent.finished, sent.headers));
}

std::uint8_t protocol_of(const Octets& packet) {
  return wire::upper_layer_of(packet)->protocol;
}

/// The finished packets that the kernel makes of a frame from the far tun.
std::vector<Octets> finished_by_the_kernel(TunFrame frame) {
  TunPacket packet = frame.packet();
  if (packet.offload.gso == wire::Gso::none) {
    EXPECT_TRUE(finish_checksum(packet));
    return {frame.bytes};
  }
  std::vector<Octets> packets;
  const auto segments = Segments::of(packet);
  EXPECT_TRUE(segments);
  for (std::size_t index = 0; segments && index < segments->count(); ++index) {
    Octets one(segments->header_length());
    segments->write_headers(index, one);
    const auto payload = segments->payload(index);
    one.insert(one.end(), payload.begin(), payload.end());
    packets.push_back(std::move(one));
  }
  return packets;
}

class BackToBack : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    constexpr std::uint16_t mtus[] = {1280, 1400, 1480};
    for (TunnelParameters* end : {&from, &to}) {
      end->ecn = random() % 2 == 0;
      if (random() % 2 == 0) end->tos = std::nullopt;
      if (random() % 2 == 0) end->ttl = std::nullopt;
    }
    from.mtu = to.mtu = mtus[random() % 3];
  }

  /// Sends all frames and returns the outer packets.
  std::vector<Octets> send(const std::vector<Sent>& all) {
    for (const Sent& each : all) near_tun.to_read.push_back(each.frame);
    const auto pump = std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(near_tun, near_wire, out);
    while (pump->turn(from, now) == IoStatus::ok) {
    }
    EXPECT_TRUE(near_tun.written.empty());
    return std::move(near_wire.sent);
  }
  void receive(const std::vector<Octets>& datagrams) {
    far_wire.to_receive.assign(datagrams.begin(), datagrams.end());
    InboundPump<MemoryWire, MemoryTun> pump(far_wire, far_tun, in, last_heard);
    while (pump.turn(to, now) == IoStatus::ok) {
    }
  }
  /// All frames have arrived, those of each protocol in order, and no other packet.
  void expect_all(const std::vector<Sent>& all) {
    std::map<std::uint8_t, std::vector<Octets>> arrived;
    for (const TunFrame& frame : far_tun.written) {
      for (const Octets& packet : finished_by_the_kernel(frame))
        arrived[protocol_of(packet)].push_back(packet);
    }
    for (const Sent& each : all) {
      std::vector<Octets>& left = arrived[protocol_of(each.finished)];
      ASSERT_GE(left.size(), each.arrives_as);
      const auto end = left.begin() + static_cast<std::ptrdiff_t>(each.arrives_as);
      const std::vector<Octets> packets(left.begin(), end);
      left.erase(left.begin(), end);
      if (each.is_super()) {
        ASSERT_NO_FATAL_FAILURE(expect_same_stream(each, packets, from.mtu));
      } else {
        ASSERT_EQ(packets[0], each.finished);
      }
    }
    for (const auto& [protocol, left] : arrived) EXPECT_TRUE(left.empty()) << int{protocol};
    EXPECT_EQ(in.packets.value(), out.packets.value());
    EXPECT_EQ(in.bytes.value(), out.bytes.value());
  }
  std::vector<Sent> some(Traffic traffic, std::size_t count) {
    std::vector<Sent> all;
    for (std::size_t index = 0; index < count; ++index) all.push_back(traffic.next());
    return all;
  }

  std::mt19937 random{GetParam()};
  testing::ScopedTrace seed{__FILE__, __LINE__, "seed " + std::to_string(GetParam())};
  TunnelParameters from = near_parameters();
  TunnelParameters to = far_parameters();
  MemoryTun near_tun;
  MemoryTun far_tun;
  MemoryWire near_wire;
  MemoryWire far_wire;
  DirectionCounters out;
  DirectionCounters in;
  LastTime last_heard;
  Time now{std::chrono::hours{1}};
};

TEST_P(BackToBack, WhatGoesInComesOut) {
  const auto all = some({random, from.mtu, near_host, far_host}, 40);
  receive(send(all));
  expect_all(all);
}

TEST_P(BackToBack, TheOtherWayRoundToo) {
  std::swap(from, to);
  const auto all = some({random, from.mtu, far_host, near_host}, 40);
  receive(send(all));
  expect_all(all);
}

TEST_P(BackToBack, FragmentsOnASmallLinkJoinToTheSame) {
  constexpr std::uint16_t links[] = {1280, 576, 296, 68};
  from.link_mtu = links[random() % 4];
  const auto all = some({random, from.mtu, near_host, far_host}, 15);
  Reassembler reassembler;
  for (const Octets& fragment : send(all)) {
    ASSERT_LE(fragment.size(), from.link_mtu);
    reassembler.add(fragment);
  }
  EXPECT_TRUE(reassembler.nothing_left());
  std::vector<Octets> datagrams;
  for (const Octets& inner : reassembler.whole()) {
    datagrams.push_back(outer_packet(inner, {.source = "192.0.2.1", .destination = "198.51.100.2"}));
  }
  receive(datagrams);
  expect_all(all);
}

TEST_P(BackToBack, PacketsMergedByReceiveOffloadCarryTheSameStream) {
  Traffic traffic{random, from.mtu, near_host, far_host};
  far_wire.receive_batch = 1;  // so that the engine joins no packets
  for (int count = 0; count < 10; ++count) {
    const Sent sent = traffic.tcp_super_packet();
    const std::vector<Octets> outer = send({sent});
    ASSERT_EQ(outer.size(), sent.arrives_as);

    std::vector<Octets> datagrams;  // runs of any length are merged, as by receive offload
    for (std::size_t start = 0; start < outer.size();) {
      const std::size_t run = std::min<std::size_t>(1 + random() % 64, outer.size() - start);
      const std::vector<Octets> group(outer.begin() + static_cast<std::ptrdiff_t>(start),
                                      outer.begin() + static_cast<std::ptrdiff_t>(start + run));
      datagrams.push_back(run == 1 ? group[0] : merged(group, sent.transport, sent.headers));
      start += run;
    }
    far_tun.written.clear();
    receive(datagrams);
    ASSERT_EQ(far_tun.written.size(), datagrams.size());

    std::vector<Octets> packets;
    for (const TunFrame& frame : far_tun.written) {
      const auto finished = finished_by_the_kernel(frame);
      for (const Octets& packet : finished) {
        if (finished.size() > 1) {
          EXPECT_LE(packet.size(), wire::ipv6_min_mtu);
        }
      }
      packets.insert(packets.end(), finished.begin(), finished.end());
    }
    ASSERT_NO_FATAL_FAILURE(expect_same_stream(sent, packets, from.mtu));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, BackToBack, testing::Range(1U, 17U));

}  // namespace
}  // namespace sixin4::engine
