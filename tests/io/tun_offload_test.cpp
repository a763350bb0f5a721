// Super-packets between the tun device and sockets of the kernel, in a separate network namespace.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/engine/coalesce.hpp"
#include "sixin4/io/tun_device.hpp"

#include "../engine/packets.hpp"
#include "../netlink/own_network.hpp"

namespace sixin4::io {
namespace {

using engine::IoStatus;
using netlink::testing::add_address;
using netlink::testing::enter_own_network;
using netlink::testing::ip6;
using netlink::testing::run;
using test::Octets;

const std::string host = "2001:db8::1";
const std::string peer = "2001:db8::2";
constexpr std::uint16_t server_port = 443;  // as in packets.hpp
constexpr std::uint16_t datagram_port = 53;
constexpr std::uint16_t peer_port = 40000;

sockaddr_in6 endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in6 result{};
  result.sin6_family = AF_INET6;
  result.sin6_port = htons(port);
  result.sin6_addr = std::bit_cast<in6_addr>(ip6(address).octets);
  return result;
}

base::FileDescriptor socket_at(int type, std::uint16_t port) {
  base::FileDescriptor fd{::socket(AF_INET6, type | SOCK_CLOEXEC, 0)};
  const sockaddr_in6 address = endpoint(host, port);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const timeval limit{.tv_sec = 3, .tv_usec = 0};
  EXPECT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  return fd;
}

bool kernel_has_udp_super_packets() {
  utsname kernel{};
  int major = 0;
  int minor = 0;
  return uname(&kernel) == 0 && std::sscanf(kernel.release, "%d.%d", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 2));
}

class TunOffloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    if (access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "needs /dev/net/tun";
    tun_.emplace("six");
    run("ip link set six mtu 1400 addrgenmode none && ip link set six up");
    add_address(host, "64", "six");
  }

  /// The next packet of this protocol within some time.
  std::optional<test::TunFrame> next_packet(std::uint8_t protocol) {
    Octets buffer(engine::tun_read_size);
    pollfd readable{.fd = tun_->fd(), .events = POLLIN, .revents = 0};
    while (poll(&readable, 1, 1000) > 0) {
      const engine::ReadResult result = tun_->read(buffer);
      if (result.status != IoStatus::ok) return std::nullopt;
      if (result.packet.bytes[6] == protocol)
        return test::TunFrame{result.packet.offload, test::octets_of(result.packet.bytes)};
    }
    return std::nullopt;
  }

  IoStatus write(const test::TunFrame& frame) {
    const wire::Bytes whole = frame.bytes;
    return tun_->write(frame.offload, {&whole, 1});
  }

  /// Returns the number of packets in each write.
  std::vector<std::uint32_t> write_coalesced(std::vector<Octets> packets) {
    std::vector<std::uint32_t> counts;
    const auto write_one = [&](const engine::Coalesced& packet) noexcept {
      EXPECT_EQ(tun_->write(packet.packet.offload, packet.parts), IoStatus::ok);
      counts.push_back(packet.packets);
    };
    engine::Coalescer coalescer{tun_->takes(engine::Offload::udp)};
    for (Octets& packet : packets) coalescer.add({.packet = {.offload = {}, .bytes = packet}}, write_one);
    coalescer.close_all(write_one);
    return counts;
  }

  std::optional<TunDevice> tun_;
};

TEST_F(TunOffloadTest, TheDeviceTellsWhetherItTakesUdpSuperPackets) {
  EXPECT_EQ(tun_->takes(engine::Offload::udp), kernel_has_udp_super_packets());
}

TEST_F(TunOffloadTest, DatagramsThatWereJoinedReachASocketAsTheyWere) {
  const base::FileDescriptor socket = socket_at(SOCK_DGRAM, datagram_port);
  std::vector<Octets> datagrams;
  for (std::size_t number = 0; number < 64; ++number) {
    Octets payload = test::payload_of(number == 63 ? 1 : 1000);
    payload[0] = static_cast<std::uint8_t>(number);
    datagrams.push_back(packet_of(test::Udp{.payload = payload, .source = peer, .destination = host}));
  }
  EXPECT_EQ(write_coalesced(datagrams).size(), kernel_has_udp_super_packets() ? 1U : 64U);
  Octets buffer(65536);
  for (const Octets& datagram : datagrams) {
    const ssize_t length = recv(socket.get(), buffer.data(), buffer.size(), 0);
    ASSERT_GT(length, 0);
    EXPECT_EQ(Octets(buffer.begin(), buffer.begin() + length), Octets(datagram.begin() + 48, datagram.end()));
  }
}

TEST_F(TunOffloadTest, AWrongDatagramReachesNoSocketWhateverItCameWith) {
  const base::FileDescriptor socket = socket_at(SOCK_DGRAM, datagram_port);
  std::vector<Octets> datagrams(
      5, packet_of(test::Udp{.payload = test::payload_of(1000), .source = peer, .destination = host}));
  datagrams[2].back() ^= 1;
  write_coalesced(datagrams);
  Octets buffer(65536);
  for (int number = 0; number < 4; ++number) {
    ASSERT_EQ(recv(socket.get(), buffer.data(), buffer.size(), 0), 1000);
    EXPECT_EQ(Octets(buffer.begin(), buffer.begin() + 1000), test::payload_of(1000));
  }
  EXPECT_EQ(recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT), -1);
}

TEST_F(TunOffloadTest, AUdpSuperPacketReachesASocketAsItsDatagrams) {
  if (!kernel_has_udp_super_packets()) GTEST_SKIP() << "needs Linux 6.2";
  const base::FileDescriptor socket = socket_at(SOCK_DGRAM, datagram_port);
  const Octets payload = test::payload_of(10 * 1000 + 1);
  ASSERT_EQ(
      write(test::super_packet(test::Udp{.payload = payload, .source = peer, .destination = host}, 1000)),
      IoStatus::ok);
  Octets joined;
  std::vector<std::size_t> lengths;
  Octets buffer(65536);
  while (joined.size() < payload.size()) {
    const ssize_t length = recv(socket.get(), buffer.data(), buffer.size(), 0);
    ASSERT_GT(length, 0) << "after " << joined.size();
    lengths.push_back(static_cast<std::size_t>(length));
    joined.insert(joined.end(), buffer.begin(), buffer.begin() + length);
  }
  EXPECT_EQ(joined, payload);
  std::vector<std::size_t> expected(10, 1000);
  expected.push_back(1);
  EXPECT_EQ(lengths, expected);
}

TEST_F(TunOffloadTest, ManyDatagramsOfOneCallComeOutAsOneSuperPacket) {
  if (!kernel_has_udp_super_packets()) GTEST_SKIP() << "needs Linux 6.2";
  const base::FileDescriptor socket = socket_at(SOCK_DGRAM, datagram_port);
  const int size = 1200;
  ASSERT_EQ(setsockopt(socket.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof size), 0);
  const Octets payload = test::payload_of(20 * 1200 + 7);
  const sockaddr_in6 destination = endpoint(peer, peer_port);
  ASSERT_EQ(sendto(socket.get(), payload.data(), payload.size(), 0,
                   reinterpret_cast<const sockaddr*>(&destination), sizeof destination),
            static_cast<ssize_t>(payload.size()));
  const auto frame = next_packet(IPPROTO_UDP);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->offload.gso, wire::Gso::udp);
  EXPECT_EQ(frame->offload.gso_size, 1200);
  EXPECT_TRUE(frame->offload.needs_checksum);
  EXPECT_EQ(frame->offload.checksum_start, 40);
  EXPECT_EQ(frame->offload.checksum_offset, 6);
  EXPECT_EQ(Octets(frame->bytes.begin() + 48, frame->bytes.end()), payload);
}

TEST_F(TunOffloadTest, ASingleDatagramComesOutWithItsChecksumToFinish) {
  const base::FileDescriptor socket = socket_at(SOCK_DGRAM, datagram_port);
  const Octets payload = test::payload_of(1200);
  const sockaddr_in6 destination = endpoint(peer, peer_port);
  ASSERT_EQ(sendto(socket.get(), payload.data(), payload.size(), 0,
                   reinterpret_cast<const sockaddr*>(&destination), sizeof destination),
            1200);
  const auto frame = next_packet(IPPROTO_UDP);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->offload.gso, wire::Gso::none);
  EXPECT_TRUE(frame->offload.needs_checksum);
  EXPECT_EQ(frame->offload.checksum_start, 40);
  EXPECT_EQ(frame->offload.checksum_offset, 6);
  EXPECT_EQ(frame->bytes.size(), 48U + 1200);
  EXPECT_EQ(test::word_at(frame->bytes, 46), test::reference_pseudo_sum(frame->bytes, 40, IPPROTO_UDP));
}

/// A TCP connection through the tunnel; this test is its far end.
class TcpOverTun : public TunOffloadTest {
 protected:
  void SetUp() override {
    TunOffloadTest::SetUp();
    if (!tun_) return;
    const base::FileDescriptor listener = socket_at(SOCK_STREAM, server_port);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    Tins::TCP opening(server_port, peer_port);
    opening.seq(sequence_ - 1);
    opening.flags(Tins::TCP::SYN);
    opening.window(65535);
    opening.mss(segment);
    ASSERT_EQ(write({.bytes = test::serialized(peer, host, 0, opening)}), IoStatus::ok);
    const auto answer = next_packet(IPPROTO_TCP);
    ASSERT_TRUE(answer);
    const Tins::IPv6 parsed(answer->bytes.data(), static_cast<std::uint32_t>(answer->bytes.size()));
    const auto& tcp = parsed.rfind_pdu<Tins::TCP>();
    ASSERT_EQ(tcp.flags(), Tins::TCP::SYN | Tins::TCP::ACK);
    acknowledged_ = tcp.seq() + 1;
    ASSERT_EQ(write({.bytes = from_peer({})}), IoStatus::ok);
    connection_ = base::FileDescriptor{accept(listener.get(), nullptr, nullptr)};
    ASSERT_TRUE(connection_);
  }

  /// The next part of the far end's stream, in one packet of any length.
  Octets from_peer(const Octets& payload) {
    Tins::TCP tcp(server_port, peer_port);
    tcp.seq(sequence_);
    tcp.ack_seq(acknowledged_);
    tcp.flags(Tins::TCP::ACK);
    tcp.window(65535);
    sequence_ += static_cast<std::uint32_t>(payload.size());
    return test::serialized(peer, host, 0, tcp / Tins::RawPDU(payload));
  }

  /// The connection has received exactly this.
  void expect_received(const Octets& payload) {
    const timeval limit{.tv_sec = 3, .tv_usec = 0};
    ASSERT_EQ(setsockopt(connection_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    Octets got(payload.size());
    ASSERT_EQ(recv(connection_.get(), got.data(), got.size(), MSG_WAITALL), static_cast<ssize_t>(got.size()));
    EXPECT_EQ(got, payload);
  }

  static constexpr std::uint16_t segment = 1000;
  std::uint32_t sequence_ = 1;
  std::uint32_t acknowledged_ = 0;
  base::FileDescriptor connection_;
};

TEST_F(TcpOverTun, ASuperPacketReachesASocketIntact) {
  const Octets payload = test::payload_of(30'001);
  test::TunFrame frame{.bytes = from_peer(payload)};
  test::unfinish_checksum(frame.bytes, 40, 16, IPPROTO_TCP);
  frame.offload = {.needs_checksum = true,
                   .gso = wire::Gso::tcp6,
                   .header_length = 60,
                   .gso_size = segment,
                   .checksum_start = 40,
                   .checksum_offset = 16};
  ASSERT_EQ(write(frame), IoStatus::ok);
  expect_received(payload);
}

TEST_F(TcpOverTun, SegmentsThatWereJoinedReachASocketIntact) {
  for (const auto& [count, size] : {std::pair{30U, std::size_t{segment}}, std::pair{64U, std::size_t{1}}}) {
    Octets payload;
    std::vector<Octets> packets;
    for (unsigned number = 1; number <= count; ++number) {
      const Octets piece = test::payload_of(number == count ? 1 : size);
      payload.insert(payload.end(), piece.begin(), piece.end());
      packets.push_back(from_peer(piece));
    }
    EXPECT_EQ(write_coalesced(packets), std::vector<std::uint32_t>{count});
    expect_received(payload);
  }
}

TEST_F(TcpOverTun, AStreamComesOutInSuperPackets) {
  const Octets payload = test::payload_of(8 * segment);
  ASSERT_EQ(send(connection_.get(), payload.data(), payload.size(), 0), static_cast<ssize_t>(payload.size()));
  Octets stream;
  std::size_t largest = 0;
  std::optional<std::uint32_t> first;
  while (stream.size() < payload.size()) {
    const auto frame = next_packet(IPPROTO_TCP);
    ASSERT_TRUE(frame) << "after " << stream.size();
    const std::size_t headers = 40 + std::size_t{frame->bytes[52]} / 16 * 4;
    const std::size_t length = frame->bytes.size() - headers;
    // The stream is not acknowledged, so the kernel may repeat a part while this test waits for a processor.
    const std::uint32_t sequence = test::word_at(frame->bytes, 44) * 65536U + test::word_at(frame->bytes, 46);
    if (!first) first = sequence;
    if (sequence - *first != stream.size()) continue;
    EXPECT_TRUE(frame->offload.needs_checksum);
    EXPECT_EQ(frame->offload.checksum_start, 40);
    EXPECT_EQ(frame->offload.checksum_offset, 16);
    EXPECT_EQ(frame->offload.gso, length > segment ? wire::Gso::tcp6 : wire::Gso::none);
    if (length > segment) {
      EXPECT_EQ(frame->offload.gso_size, segment);
    }
    largest = std::max(largest, length);
    stream.insert(stream.end(), frame->bytes.begin() + static_cast<std::ptrdiff_t>(headers),
                  frame->bytes.end());
  }
  EXPECT_EQ(stream, payload);
  EXPECT_GT(largest, segment) << "no super-packet among them";
}

}  // namespace
}  // namespace sixin4::io
