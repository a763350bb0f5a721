#include "sixin4/dissect/link_layer.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <pcap/pcap.h>

namespace sixin4::dissect {

namespace {

using Kind = LinkPayload::Kind;

constexpr LinkPayload cut_short{.kind = Kind::cut_short, .packet = {}};
constexpr LinkPayload not_ip{};

// DLT_RAW of libpcap on OpenBSD.
constexpr int link_type_raw_openbsd = 14;

namespace ethertype {
constexpr std::uint16_t ipv4 = 0x0800;
constexpr std::uint16_t ipv6 = 0x86dd;
constexpr std::uint16_t ethernet = transparent_ethernet;
constexpr std::uint16_t ppp = 0x880b;
constexpr std::uint16_t mpls = 0x8847;
constexpr std::uint16_t mpls_upstream = 0x8848;
constexpr std::uint16_t ppp_session = 0x8864;
constexpr std::array<std::uint16_t, 4> vlan_tags{0x8100, 0x88a8, 0x9100, 0x9200};
}  // namespace ethertype

namespace ppp_protocol {
constexpr std::uint16_t ipv4 = 0x0021;
constexpr std::uint16_t ipv6 = 0x0057;
constexpr std::uint16_t mpls = 0x0281;
constexpr std::uint16_t mpls_upstream = 0x0283;
}  // namespace ppp_protocol

constexpr std::size_t tag_size = 4;
constexpr std::size_t ethernet_type_offset = 12;
constexpr std::size_t ppp_session_header = 6;  // of PPPoE (RFC 2516), before the PPP protocol
constexpr std::uint16_t most_length = 1500;  // a larger value in the EtherType field is a type, not a length

/// The 16-bit field at `offset`.
std::optional<std::uint16_t> field16(wire::Bytes frame, std::size_t offset) noexcept {
  const auto bytes = wire::fixed<2>(frame, offset);
  return bytes ? std::optional{wire::load16<0>(*bytes)} : std::nullopt;
}

LinkPayload ip_at(wire::Bytes frame, std::size_t offset) noexcept {
  if (offset > frame.size()) return cut_short;
  return {.kind = Kind::ip, .packet = frame.subspan(offset)};
}

/// An Ethernet frame inside the frame.
LinkPayload frame_at(wire::Bytes frame, std::size_t offset) noexcept {
  if (offset > frame.size()) return cut_short;
  return {.kind = Kind::frame, .packet = frame.subspan(offset)};
}

LinkPayload raw(wire::Bytes frame) noexcept {
  if (frame.empty()) return cut_short;
  const unsigned version = frame.front() >> 4U;
  return version == 4 || version == 6 ? ip_at(frame, 0) : not_ip;
}

/// A stack of MPLS labels (RFC 3032). Only the first four bits of the payload show its type (RFC 4928): the
/// IP version, or 0 for the control word of a pseudowire (RFC 4385). The frame does not contain the type of
/// the pseudowire, so Ethernet is assumed (RFC 4448).
LinkPayload mpls(wire::Bytes frame, std::size_t offset) noexcept {
  constexpr std::size_t entry_size = 4;
  constexpr std::size_t control_word = 4;
  bool is_bottom = false;
  while (!is_bottom) {
    const auto entry = wire::fixed<entry_size>(frame, offset);
    if (!entry) return cut_short;
    is_bottom = (wire::load8<2>(*entry) & 1U) != 0;
    offset += entry_size;
  }
  if (offset == frame.size()) return cut_short;
  const unsigned first_bits = frame[offset] >> 4U;
  if (first_bits == 4 || first_bits == 6) return ip_at(frame, offset);
  return first_bits == 0 ? frame_at(frame, offset + control_word) : not_ip;
}

/// `offset` is that of the PPP protocol field, which has one byte if it is compressed (RFC 1661 §6.5).
LinkPayload ppp(wire::Bytes frame, std::size_t offset) noexcept {
  if (offset >= frame.size()) return cut_short;
  std::uint16_t protocol = frame[offset];
  std::size_t size = 1;
  if ((protocol & 1U) == 0) {
    const auto whole = field16(frame, offset);
    if (!whole) return cut_short;
    protocol = *whole;
    size = 2;
  }
  if (protocol == ppp_protocol::mpls || protocol == ppp_protocol::mpls_upstream) {
    return mpls(frame, offset + size);
  }
  const bool ip = protocol == ppp_protocol::ipv4 || protocol == ppp_protocol::ipv6;
  return ip ? ip_at(frame, offset + size) : not_ip;
}

/// The payload at `offset`. `type` is its EtherType, or the length that an IEEE 802.3 frame has instead.
LinkPayload payload_at(wire::Bytes frame, std::uint16_t type, std::size_t offset) noexcept {
  if (type == ethertype::ipv4 || type == ethertype::ipv6) return ip_at(frame, offset);
  if (type == ethertype::ppp_session) return ppp(frame, offset + ppp_session_header);
  if (type == ethertype::mpls || type == ethertype::mpls_upstream) return mpls(frame, offset);
  if (type == ethertype::ethernet) return frame_at(frame, offset);
  if (type > most_length) return not_ip;
  // IEEE 802.2 with SNAP and the organisation 00-00-00: an EtherType follows (RFC 1042).
  constexpr std::array<std::uint8_t, 6> snap{0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00};
  const auto llc = wire::fixed<snap.size()>(frame, offset);
  if (!llc) return cut_short;
  if (!std::ranges::equal(*llc, snap)) return not_ip;
  const auto snap_type = field16(frame, offset + snap.size());
  if (!snap_type) return cut_short;
  const bool ip = *snap_type == ethertype::ipv4 || *snap_type == ethertype::ipv6;
  return ip ? ip_at(frame, offset + snap.size() + 2) : not_ip;
}

bool is_tag(std::uint16_t type) noexcept {
  return std::ranges::find(ethertype::vlan_tags, type) != ethertype::vlan_tags.end();
}

/// `offset` is that of an EtherType. VLAN tags and the payload follow.
LinkPayload after_ethertype(wire::Bytes frame, std::size_t offset) noexcept {
  auto type = field16(frame, offset);
  while (type && is_tag(*type)) {
    offset += tag_size;
    type = field16(frame, offset);
  }
  return type ? payload_at(frame, *type, offset + 2) : cut_short;
}

/// PPP after an address and a control byte (RFC 1662 §3.1), which may be left out (RFC 1661 §6.6). Cisco's
/// framing has an EtherType instead.
LinkPayload ppp_in_hdlc(wire::Bytes frame) noexcept {
  if (frame.empty()) return cut_short;
  constexpr std::uint8_t all_stations = 0xff;
  constexpr std::uint8_t cisco_unicast = 0x0f;
  constexpr std::uint8_t cisco_multicast = 0x8f;
  if (frame.front() == cisco_unicast || frame.front() == cisco_multicast) return after_ethertype(frame, 2);
  return ppp(frame, frame.front() == all_stations ? 2 : 0);
}

/// A loopback header: the address family in the numbers and the byte order of the capturing system.
LinkPayload loopback(wire::Bytes frame) noexcept {
  const auto header = wire::fixed<4>(frame);
  if (!header) return cut_short;
  const std::uint32_t word = wire::load32<0>(*header);
  const std::uint32_t family = word > 0xffff ? __builtin_bswap32(word) : word;
  // AF_INET is 2 everywhere. AF_INET6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
  constexpr std::array<std::uint32_t, 5> families{2, 10, 24, 28, 30};
  return std::ranges::find(families, family) != families.end() ? ip_at(frame, 4) : not_ip;
}

// The cooked header of Linux has the EtherType at its end in version 1, and at its beginning in version 2.
constexpr std::size_t cooked_type_offset = 14;
constexpr std::size_t cooked2_size = 20;

LinkPayload cooked2(wire::Bytes frame) noexcept {
  const auto type = field16(frame, 0);
  if (!type) return cut_short;
  // If the type is that of a VLAN tag, the rest of the tag (2 bytes) and the next EtherType follow the
  // header.
  return is_tag(*type) ? after_ethertype(frame, cooked2_size + 2) : payload_at(frame, *type, cooked2_size);
}

/// BSD puts 16 bytes (direction and compressed header) before an uncompressed packet (RFC 1055). A packet
/// with a compressed TCP header (RFC 1144) does not begin with an IP version and counts as not IP.
LinkPayload slip(wire::Bytes frame) noexcept {
  constexpr std::size_t header = 16;
  return frame.size() < header ? cut_short : raw(frame.subspan(header));
}

/// Netlink attributes, one of which is the packet. They are in the byte order of the capturing system. Only
/// the types of the attributes show this order: they are small numbers, so their high byte is 0.
LinkPayload nflog(wire::Bytes frame) noexcept {
  constexpr std::size_t attribute_head = 4;
  constexpr std::uint8_t payload = 9;  // NFULA_PAYLOAD of linux/netfilter/nfnetlink_log.h
  constexpr std::uint8_t no_flags = 0x3f;
  std::size_t at = 4;  // address family, version, group
  while (const auto head = wire::fixed<attribute_head>(frame, at)) {
    const std::uint8_t first = wire::load8<2>(*head) & no_flags;
    const std::uint8_t second = wire::load8<3>(*head) & no_flags;
    const bool little_endian = second == 0;
    const std::uint16_t stored = wire::load16<0>(*head);
    const std::size_t length = little_endian ? __builtin_bswap16(stored) : stored;
    if (length < attribute_head) return not_ip;
    if ((little_endian ? first : second) == payload) return raw(frame.subspan(at + attribute_head));
    at += (length + attribute_head - 1) / attribute_head * attribute_head;
  }
  return cut_short;
}

LinkPayload strip_outer_header(int link_type, wire::Bytes frame) noexcept {
  switch (link_type) {
    case DLT_EN10MB:
      return after_ethertype(frame, ethernet_type_offset);
    case DLT_LINUX_SLL:
      return after_ethertype(frame, cooked_type_offset);
    case DLT_LINUX_SLL2:
      return cooked2(frame);
    case DLT_PPP:
    case DLT_PPP_SERIAL:
    case DLT_C_HDLC:
      return ppp_in_hdlc(frame);
    case DLT_PPP_ETHER:
      return ppp(frame, ppp_session_header);
    case DLT_NULL:
    case DLT_LOOP:
      return loopback(frame);
    case DLT_SLIP:
      return slip(frame);
    case DLT_NFLOG:
      return nflog(frame);
    default:
      return raw(frame);
  }
}

/// Looks into Ethernet frames inside frames. The number of levels is bounded, because a large frame could
/// hold many.
LinkPayload strip_inner_frames(LinkPayload found) noexcept {
  constexpr int most_frames = 4;
  for (int frames = 1; found.kind == Kind::frame; ++frames) {
    if (frames == most_frames) return not_ip;
    found = after_ethertype(found.packet, ethernet_type_offset);
  }
  return found;
}

}  // namespace

bool knows_link_type(int link_type) noexcept {
  constexpr std::array known{DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW,   DLT_IPV4,
                             DLT_IPV6,   DLT_PPP,       DLT_PPP_SERIAL, DLT_NULL,  DLT_LOOP,
                             DLT_C_HDLC, DLT_PPP_ETHER, DLT_SLIP,       DLT_NFLOG, link_type_raw_openbsd};
  return std::ranges::find(known, link_type) != known.end();
}

bool has_link_header(int link_type) noexcept {
  constexpr std::array bare{DLT_RAW, DLT_IPV4, DLT_IPV6, DLT_NULL, DLT_LOOP, link_type_raw_openbsd};
  return std::ranges::find(bare, link_type) == bare.end();
}

LinkPayload strip_link_header(int link_type, wire::Bytes frame) noexcept {
  return strip_inner_frames(strip_outer_header(link_type, frame));
}

LinkPayload strip_ethertype(std::uint16_t type, wire::Bytes payload) noexcept {
  if (type == ethertype::ppp) return strip_inner_frames(ppp_in_hdlc(payload));
  return strip_inner_frames(payload_at(payload, type, 0));
}

std::string link_type_text(int link_type) {
  const char* const name = ::pcap_datalink_val_to_name(link_type);
  const char* const meaning = ::pcap_datalink_val_to_description(link_type);
  std::string text = std::to_string(link_type);
  if (name != nullptr) text = std::string{name} + " (" + text + ")";
  if (meaning != nullptr) text += std::string{", "} + meaning;
  return text;
}

/// RAW is the only type known to sixin4 that has different numbers in files and in libpcap.
int link_type_of_file(std::uint16_t link_type) noexcept {
  constexpr std::uint16_t raw_in_files = 101;
  return link_type == raw_in_files ? DLT_RAW : link_type;
}

}  // namespace sixin4::dissect
