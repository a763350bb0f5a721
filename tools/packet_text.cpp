#include "packet_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sixin4/control/address_text.hpp"
#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4 {

namespace {

constexpr std::string_view truncated = "[truncated]";
// A packet in a packet in a packet: what is deeper is not told.
constexpr int most_layers = 8;

constexpr std::uint8_t protocol_icmp = 1;

std::string number(std::size_t value) {
  return std::to_string(value);
}

/// `.port`, where the protocol has ports and they are there.
struct Ports {
  std::string source;
  std::string destination;
};
Ports ports_of(std::uint8_t protocol, wire::Bytes transport) {
  const auto ports = wire::fixed<4>(transport);
  if (!wire::has_ports(protocol) || !ports) return {};
  return {.source = '.' + number(wire::load16<0>(*ports)),
          .destination = '.' + number(wire::load16<2>(*ports))};
}

/// As tcpdump has them: `.` is ACK.
std::string flags_text(unsigned flags) {
  constexpr std::array<std::pair<unsigned, char>, 8> letters{{{wire::tcp::flag_fin, 'F'},
                                                              {wire::tcp::flag_syn, 'S'},
                                                              {wire::tcp::flag_rst, 'R'},
                                                              {wire::tcp::flag_psh, 'P'},
                                                              {wire::tcp::flag_ack, '.'},
                                                              {0x20, 'U'},
                                                              {0x40, 'E'},
                                                              {wire::tcp::flag_cwr, 'W'}}};
  std::string text;
  for (const auto& [bit, letter] : letters) {
    if ((flags & bit) != 0) text += letter;
  }
  return text.empty() ? "none" : text;
}

/// `length` is that of the whole segment, header included.
std::string tcp_text(wire::Bytes segment, std::size_t length) {
  const auto header = wire::fixed<wire::tcp::min_header_size>(segment);
  if (!header) return "TCP " + std::string{truncated};
  const std::size_t payload = length - std::min(length, wire::tcp::header_length(*header));
  const unsigned flags = wire::tcp::flags(*header);
  const std::uint32_t sequence = wire::tcp::sequence_number(*header);
  std::string text = "Flags [" + flags_text(flags) + "], seq " + number(sequence);
  if (payload != 0) text += ':' + number(static_cast<std::uint32_t>(sequence + payload));
  if ((flags & wire::tcp::flag_ack) != 0) text += ", ack " + number(wire::load32<8>(*header));
  return text + ", win " + number(wire::load16<14>(*header)) + ", length " + number(payload);
}

std::string unreachable_text(std::uint8_t code) {
  constexpr std::array<std::string_view, 7> codes{"no route to destination",
                                                  "administratively prohibited",
                                                  "beyond scope of source address",
                                                  "address unreachable",
                                                  "port unreachable",
                                                  "source address failed policy",
                                                  "reject route to destination"};
  return "destination unreachable, " +
         (code < codes.size() ? std::string{codes[code]} : "code " + number(code));
}

std::string icmpv6_text(wire::Bytes message, std::size_t length) {
  const auto header = wire::fixed<wire::icmpv6::header_size>(message);
  if (!header) return "ICMP6 " + std::string{truncated};
  const std::uint8_t type = wire::load8<0>(*header);
  const std::uint8_t code = wire::load8<1>(*header);
  constexpr std::uint8_t time_exceeded = 3;
  constexpr std::uint8_t parameter_problem = 4;
  constexpr std::uint8_t router_solicitation = 133;
  constexpr std::array<std::string_view, 5> discovery{"router solicitation", "router advertisement",
                                                      "neighbor solicitation", "neighbor advertisement",
                                                      "redirect"};
  const auto what = [&]() -> std::string {
    if (type == wire::icmpv6::type_destination_unreachable) return unreachable_text(code);
    if (type == wire::icmpv6::type_packet_too_big) {
      return "packet too big, mtu " + number(wire::load32<4>(*header));
    }
    if (type == time_exceeded) return code == 0 ? "time exceeded in-transit" : "time exceeded in reassembly";
    if (type == parameter_problem) return "parameter problem, octet " + number(wire::load32<4>(*header));
    if (type == wire::icmpv6::type_echo_request || type == wire::icmpv6::type_echo_reply) {
      const std::string kind = type == wire::icmpv6::type_echo_request ? "echo request" : "echo reply";
      return kind + ", id " + number(wire::load16<4>(*header)) + ", seq " + number(wire::load16<6>(*header));
    }
    const std::size_t nth = std::size_t{type} - router_solicitation;
    if (type >= router_solicitation && nth < discovery.size()) return std::string{discovery[nth]};
    return "type " + number(type) + ", code " + number(code);
  };
  return "ICMP6, " + what() + ", length " + number(length);
}

std::string icmp_text(wire::Bytes message, std::size_t length) {
  const auto header = wire::fixed<8>(message);
  if (!header) return "ICMP " + std::string{truncated};
  const std::uint8_t type = wire::load8<0>(*header);
  const std::uint8_t code = wire::load8<1>(*header);
  constexpr std::uint8_t unreachable = 3;
  constexpr std::uint8_t fragmentation_needed = 4;
  if (type == unreachable && code == fragmentation_needed) {
    return "ICMP unreachable, need to frag, mtu " + number(wire::load16<6>(*header)) + ", length " +
           number(length);
  }
  return "ICMP, type " + number(type) + ", code " + number(code) + ", length " + number(length);
}

std::string layer_text(wire::Bytes packet, int layers_left);

/// What an IP header is in front of, `length` bytes of it on the wire.
std::string payload_text(std::uint8_t protocol, wire::Bytes payload, std::size_t length, int layers_left) {
  switch (protocol) {
    case wire::next_header::tcp:
      return tcp_text(payload, length);
    case wire::next_header::udp:
      return "UDP, length " + number(length - std::min(length, wire::udp::header_size));
    case wire::next_header::icmpv6:
      return icmpv6_text(payload, length);
    case protocol_icmp:
      return icmp_text(payload, length);
    case wire::protocol_ipv6:
    case wire::next_header::ipv4:
      return layers_left == 0 ? "..." : layer_text(payload, layers_left - 1);
    default:
      return "ip-proto-" + number(protocol) + ", length " + number(length);
  }
}

std::string ipv4_text(wire::Bytes packet, int layers_left) {
  if (!wire::Ipv4Header::begins(packet)) return "IP " + std::string{truncated};
  const wire::Ipv4Header header{packet.first<wire::ipv4_header_size>()};
  const std::size_t total = std::max<std::size_t>(header.total_length(), header.header_length());
  const wire::Bytes payload =
      packet.first(std::min(packet.size(), total)).subspan(std::min(packet.size(), header.header_length()));
  const bool first = header.fragment_offset() == 0;
  const Ports ports = first ? ports_of(header.protocol(), payload) : Ports{};
  std::string text = "IP " + control::to_string(header.source().address) + ports.source + " > " +
                     control::to_string(header.destination().address) + ports.destination + ": ";
  if (header.is_fragment()) {
    text += "frag (" + number(header.identification()) + ':' + number(total - header.header_length()) + '@' +
            number(header.fragment_offset()) + (header.more_fragments() ? "+) " : ") ");
  }
  if (!first) return text + "ip-proto-" + number(header.protocol());
  return text + payload_text(header.protocol(), payload, total - header.header_length(), layers_left);
}

std::string ipv6_text(wire::Bytes packet, int layers_left) {
  const auto fixed = wire::fixed<wire::ipv6_header_size>(packet);
  if (!fixed) return "IP6 " + std::string{truncated};
  const wire::Ipv6Header header{*fixed};
  const wire::Bytes whole = packet.first(std::min(packet.size(), header.packet_length()));
  const auto upper = wire::walk_extension_headers(whole);
  const bool first = upper && upper->fragment_offset == 0;
  const wire::Bytes payload = upper ? whole.subspan(upper->offset) : wire::Bytes{};
  const Ports ports = first ? ports_of(upper->protocol, payload) : Ports{};
  std::string text = "IP6 " + control::to_string(header.source().address) + ports.source + " > " +
                     control::to_string(header.destination().address) + ports.destination + ": ";
  if (!upper) return text + std::string{truncated};
  const std::size_t length = header.packet_length() - upper->offset;
  if (upper->is_fragment()) {
    text += "frag (0x" +
            [&] {
              constexpr std::string_view digits = "0123456789abcdef";
              std::string hexadecimal;
              for (int shift = 28; shift >= 0; shift -= 4) {
                hexadecimal += digits[upper->identification >> static_cast<unsigned>(shift) & 0xfU];
              }
              return hexadecimal;
            }() +
            ':' + number(upper->fragment_offset) + '|' + number(length) + ") ";
  }
  if (!first) return text + "ip-proto-" + number(upper->protocol);
  return text + payload_text(upper->protocol, payload, length, layers_left);
}

std::string layer_text(wire::Bytes packet, int layers_left) {
  if (packet.empty()) return std::string{truncated};
  const unsigned version = packet.front() >> 4U;
  if (version == 4) return ipv4_text(packet, layers_left);
  if (version == 6) return ipv6_text(packet, layers_left);
  return "not IP, version " + number(version);
}

}  // namespace

std::string describe_packet(wire::Bytes packet) {
  return layer_text(packet, most_layers);
}

}  // namespace sixin4
