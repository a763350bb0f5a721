// Packets for tests. libtins builds them and computes lengths and checksums, so that no expected value comes
// from the tested code.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tins/tins.h>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::test {

using Octets = std::vector<std::uint8_t>;

inline constexpr wire::Ipv4Address near_end{{192, 0, 2, 1}};
inline constexpr wire::Ipv4Address far_end{{198, 51, 100, 2}};
inline constexpr wire::Ipv6Prefix near_prefix{{{0x20, 0x01, 0x0d, 0xb8, 0, 1}}, 48};
inline constexpr wire::Ipv6Prefix far_prefix{{{0x20, 0x01, 0x0d, 0xb8, 0, 2}}, 48};
inline const std::string near_host = "2001:db8:1::a";
inline const std::string far_host = "2001:db8:2::b";

inline constexpr std::size_t ipv6_header = 40;
inline constexpr std::size_t tcp_header = 20;
inline constexpr std::size_t udp_header = 8;
inline constexpr std::uint8_t tcp_fin = 0x01;
inline constexpr std::uint8_t tcp_psh = 0x08;
inline constexpr std::uint8_t tcp_ack = 0x10;
inline constexpr std::uint8_t tcp_cwr = 0x80;

/// The near end of the tunnel.
inline engine::TunnelParameters near_parameters() {
  engine::TunnelParameters parameters;
  parameters.local = near_end;
  parameters.remote = far_end;
  parameters.mtu = 1480;
  parameters.error_source = wire::link_local_of(near_end);
  parameters.ours = {near_prefix};
  return parameters;
}

/// The far end of the same tunnel.
inline engine::TunnelParameters far_parameters() {
  engine::TunnelParameters parameters = near_parameters();
  std::swap(parameters.local, parameters.remote);
  parameters.error_source = wire::link_local_of(far_end);
  parameters.ours = {far_prefix};
  return parameters;
}

inline Octets octets_of(wire::Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}
inline Octets octets_of(std::span<const wire::Bytes> parts) {
  Octets octets;
  for (const wire::Bytes part : parts) octets.insert(octets.end(), part.begin(), part.end());
  return octets;
}
inline Octets octets_of(const engine::OuterPacket& packet) {
  Octets octets = octets_of(packet.head);
  octets.insert(octets.end(), packet.body.begin(), packet.body.end());
  return octets;
}

inline std::uint16_t word_at(wire::Bytes bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(bytes[offset] * 256U + bytes[offset + 1]);
}
inline void put_word(Octets& octets, std::size_t offset, std::size_t value) {
  octets.at(offset) = static_cast<std::uint8_t>(value >> 8U);
  octets.at(offset + 1) = static_cast<std::uint8_t>(value);
}

inline Octets random_octets(std::mt19937& random, std::size_t length) {
  Octets octets(length);
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
  return octets;
}
/// Payload whose parts all differ.
inline Octets payload_of(std::size_t length) {
  std::mt19937 random{static_cast<std::mt19937::result_type>(length)};
  return random_octets(random, length);
}

/// The sum of RFC 1071 §1 word by word: pairs of octets with end-around carry.
inline std::uint16_t reference_sum(wire::Bytes bytes, std::uint32_t start = 0) {
  std::uint32_t sum = start;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    sum += bytes[at] * 256U + (at + 1 < bytes.size() ? bytes[at + 1] : 0U);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(sum);
}
/// The pseudo-header sum (RFC 8200 §8.1) of an IPv6 packet.
inline std::uint16_t reference_pseudo_sum(wire::Bytes packet, std::size_t transport, std::uint8_t protocol) {
  Octets pseudo = octets_of(packet.subspan(8, 32));
  const std::size_t length = packet.size() - transport;
  pseudo.insert(pseudo.end(), {0, 0, static_cast<std::uint8_t>(length >> 8U),
                               static_cast<std::uint8_t>(length), 0, 0, 0, protocol});
  return reference_sum(pseudo);
}

/// A whole extension header; its first octet is set when a chain is built.
struct Extension {
  std::uint8_t type = 0;
  Octets octets;
};

/// Hop-by-hop or destination options of `units` * 8 octets of padding (RFC 8200 §4.2).
inline Extension options_extension(std::uint8_t type, std::size_t units) {
  Octets octets(units * 8);
  octets[1] = static_cast<std::uint8_t>(units - 1);
  octets[2] = 1;
  octets[3] = static_cast<std::uint8_t>(octets.size() - 4);
  return {type, octets};
}
/// `offset` in octets (RFC 8200 §4.5).
inline Extension fragment_extension(std::size_t offset, bool more) {
  Octets octets{0, 0, 0, 0, 1, 2, 3, 4};
  put_word(octets, 2, offset | (more ? 1U : 0U));
  return {44, octets};
}

/// Inserts `chain` after the fixed header.
inline Octets with_extensions(Octets packet, const std::vector<Extension>& chain) {
  Octets inserted;
  std::uint8_t first = packet.at(6);
  for (auto extension = chain.rbegin(); extension != chain.rend(); ++extension) {
    Octets octets = extension->octets;
    octets.at(0) = std::exchange(first, extension->type);
    inserted.insert(inserted.begin(), octets.begin(), octets.end());
  }
  packet[6] = first;
  put_word(packet, 4, word_at(packet, 4) + inserted.size());
  packet.insert(packet.begin() + ipv6_header, inserted.begin(), inserted.end());
  return packet;
}

struct Tcp {
  std::uint32_t sequence = 1000;
  std::uint8_t flags = tcp_ack;
  bool timestamps = false;  ///< 12 bytes of options
  Octets payload{};
  std::vector<Extension> extensions{};
  std::uint8_t traffic_class = 0;
  std::string source = near_host;
  std::string destination = far_host;
};

inline Octets serialized(const std::string& source, const std::string& destination,
                         std::uint8_t traffic_class, const Tins::PDU& upper) {
  Tins::IPv6 packet = Tins::IPv6(destination, source) / upper;
  packet.hop_limit(57);
  packet.flow_label(0x12345);
  packet.traffic_class(traffic_class);
  return packet.serialize();
}

/// A packet of any length with its checksums.
inline Octets packet_of(const Tcp& fields) {
  Tins::TCP tcp(443, 40000);
  tcp.seq(fields.sequence);
  tcp.ack_seq(77);
  tcp.window(1024);
  tcp.flags(fields.flags);
  if (fields.timestamps) {
    tcp.add_option(Tins::TCP::option(Tins::TCP::NOP));
    tcp.add_option(Tins::TCP::option(Tins::TCP::NOP));
    tcp.timestamp(0x01020304, 0x05060708);
  }
  return with_extensions(
      serialized(fields.source, fields.destination, fields.traffic_class, tcp / Tins::RawPDU(fields.payload)),
      fields.extensions);
}

struct Udp {
  Octets payload{};
  std::vector<Extension> extensions{};
  std::uint8_t traffic_class = 0;
  std::string source = near_host;
  std::string destination = far_host;
};

inline Octets packet_of(const Udp& fields) {
  return with_extensions(serialized(fields.source, fields.destination, fields.traffic_class,
                                    Tins::UDP(53, 40000) / Tins::RawPDU(fields.payload)),
                         fields.extensions);
}

inline std::size_t headers_of(const Tcp& fields) {
  std::size_t length = ipv6_header + tcp_header + (fields.timestamps ? 12U : 0U);
  for (const auto& extension : fields.extensions) length += extension.octets.size();
  return length;
}
inline std::size_t headers_of(const Udp& fields) {
  std::size_t length = ipv6_header + udp_header;
  for (const auto& extension : fields.extensions) length += extension.octets.size();
  return length;
}

/// A packet read from or written to a tun device.
struct TunFrame {
  wire::VnetHeader offload{};
  Octets bytes{};
  [[nodiscard]] engine::TunPacket packet() { return {.offload = offload, .bytes = bytes}; }
};

/// Sets the checksum field to the pseudo-header sum, as the kernel does for offload.
inline void unfinish_checksum(Octets& packet, std::size_t transport, std::size_t field,
                              std::uint8_t protocol) {
  put_word(packet, transport + field, reference_pseudo_sum(packet, transport, protocol));
}

/// Computes the checksum of the packet as it is now.
inline void finish_checksum(Octets& packet, std::size_t transport, std::size_t field, std::uint8_t protocol) {
  put_word(packet, transport + field, 0);
  const std::uint16_t sum = reference_sum(wire::Bytes{packet}.subspan(transport),
                                          reference_pseudo_sum(packet, transport, protocol));
  put_word(packet, transport + field, sum == 0xffff ? 0xffffU : 0xffffU ^ sum);
}

inline TunFrame unfinished(const Tcp& fields) {
  TunFrame frame{.bytes = packet_of(fields)};
  const std::size_t transport = headers_of(fields) - tcp_header - (fields.timestamps ? 12U : 0U);
  unfinish_checksum(frame.bytes, transport, 16, 6);
  frame.offload = {.needs_checksum = true,
                   .header_length = static_cast<std::uint16_t>(headers_of(fields)),
                   .checksum_start = static_cast<std::uint16_t>(transport),
                   .checksum_offset = 16};
  return frame;
}
inline TunFrame unfinished(const Udp& fields) {
  TunFrame frame{.bytes = packet_of(fields)};
  const std::size_t transport = headers_of(fields) - udp_header;
  unfinish_checksum(frame.bytes, transport, 6, 17);
  frame.offload = {.needs_checksum = true,
                   .header_length = static_cast<std::uint16_t>(headers_of(fields)),
                   .checksum_start = static_cast<std::uint16_t>(transport),
                   .checksum_offset = 6};
  return frame;
}

/// A super-packet as a tun device with offloads delivers it.
inline TunFrame super_packet(const Tcp& fields, std::uint16_t gso_size) {
  TunFrame frame = unfinished(fields);
  frame.offload.gso = wire::Gso::tcp6;
  frame.offload.gso_size = gso_size;
  frame.offload.gso_ecn = (fields.flags & tcp_cwr) != 0;
  return frame;
}
inline TunFrame super_packet(const Udp& fields, std::uint16_t gso_size) {
  TunFrame frame = unfinished(fields);
  frame.offload.gso = wire::Gso::udp;
  frame.offload.gso_size = gso_size;
  return frame;
}

/// The IPv6 packet as libtins writes it, with lengths and checksums computed anew. A valid packet is
/// unchanged. libtins writes 0 as 0xffff in TCP, too.
inline Octets rewritten_by_libtins(wire::Bytes packet) {
  Tins::IPv6 parsed(packet.data(), static_cast<std::uint32_t>(packet.size()));
  Octets octets = parsed.serialize();
  if (const auto* tcp = parsed.find_pdu<Tins::TCP>(); tcp != nullptr && tcp->checksum() == 0) {
    put_word(octets, octets.size() - tcp->size() + 16, 0xffff);
  }
  return octets;
}

/// A protocol 41 packet around `inner` from the far end.
struct Outer {
  std::string source = "198.51.100.2";
  std::string destination = "192.0.2.1";
  std::uint8_t protocol = 41;
  std::uint8_t tos = 0;
  bool router_alert = false;  ///< 4 bytes of IPv4 options
};

inline Octets outer_packet(const Octets& inner, const Outer& fields = {}) {
  Tins::IP ip(fields.destination, fields.source);
  ip.protocol(fields.protocol);
  ip.tos(fields.tos);
  ip.ttl(60);
  ip.id(7);
  Octets packet = (ip / Tins::RawPDU(inner)).serialize();
  if (fields.router_alert) {  // by hand: libtins 4.0 pads these options over the payload
    packet.insert(packet.begin() + 20, {148, 4, 0, 0});
    packet[0] = 0x46;
    put_word(packet, 2, packet.size());
    put_word(packet, 10, 0);
    put_word(packet, 10, 0xffffU ^ reference_sum(wire::Bytes{packet}.first(24)));
  }
  return packet;
}

/// Reassembles IPv4 packets (RFC 791 §3.2), and keeps the complete inner packets.
class Reassembler {
 public:
  void add(const Octets& fragment) {
    const Tins::IP ip(fragment.data(), static_cast<std::uint32_t>(fragment.size()));
    Partial& partial = partials_[ip.id()];
    const std::size_t start = std::size_t{8} * ip.fragment_offset();
    const std::size_t end = start + fragment.size() - ip.header_size();
    if (partial.inner.size() < end) partial.inner.resize(end);
    std::copy(fragment.begin() + static_cast<std::ptrdiff_t>(ip.header_size()), fragment.end(),
              partial.inner.begin() + static_cast<std::ptrdiff_t>(start));
    partial.have += end - start;
    if ((ip.flags() & Tins::IP::MORE_FRAGMENTS) == 0) partial.length = end;
    if (partial.length && partial.have == *partial.length) {
      whole_.push_back(std::move(partial.inner));
      partials_.erase(ip.id());
    }
  }
  [[nodiscard]] const std::vector<Octets>& whole() const { return whole_; }
  [[nodiscard]] bool nothing_left() const { return partials_.empty(); }

 private:
  struct Partial {
    Octets inner;
    std::size_t have = 0;
    std::optional<std::size_t> length;
  };
  std::map<std::uint16_t, Partial> partials_;
  std::vector<Octets> whole_;
};

}  // namespace sixin4::test
