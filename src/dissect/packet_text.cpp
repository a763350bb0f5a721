#include "sixin4/dissect/packet_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <span>
#include <string_view>
#include <utility>

#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/icmp.hpp"
#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::dissect {

namespace {

constexpr std::string_view truncated = "[truncated]";
constexpr std::uint8_t no_next_header = 59;

std::string number(std::size_t value) {
  return std::to_string(value);
}

/// Each is `.port`, or empty if the protocol has no ports or the ports were not captured.
struct Ports {
  std::string source;
  std::string destination;
};
Ports ports_of(const Layer& layer, wire::Bytes payload) {
  const auto ports = wire::fixed<4>(payload);
  if (!wire::has_ports(layer.protocol) || layer.fragment_offset != 0 || !ports) return {};
  return {.source = '.' + number(wire::load16<0>(*ports)),
          .destination = '.' + number(wire::load16<2>(*ports))};
}

/// The letters of tcpdump: `.` is ACK.
std::string flags_text(unsigned flags) {
  constexpr std::array<std::pair<unsigned, char>, 8> letters{{{wire::tcp::flag_fin, 'F'},
                                                              {wire::tcp::flag_syn, 'S'},
                                                              {wire::tcp::flag_rst, 'R'},
                                                              {wire::tcp::flag_psh, 'P'},
                                                              {wire::tcp::flag_ack, '.'},
                                                              {wire::tcp::flag_urg, 'U'},
                                                              {wire::tcp::flag_ece, 'E'},
                                                              {wire::tcp::flag_cwr, 'W'}}};
  std::string text;
  for (const auto& [bit, letter] : letters) {
    if ((flags & bit) != 0) text += letter;
  }
  return text.empty() ? "none" : text;
}

/// `length` is the length of the whole segment, header included.
std::string tcp_text(wire::Bytes segment, std::size_t length) {
  const auto header = wire::fixed<wire::tcp::min_header_size>(segment);
  if (!header) return "TCP";
  const std::size_t header_length = wire::tcp::header_length(*header);
  const unsigned flags = wire::tcp::flags(*header);
  std::string text = "Flags [" + flags_text(flags) + "]";
  if (header_length < wire::tcp::min_header_size || header_length > length) {
    return text + ", [bad header length " + number(header_length) + "], length " + number(length);
  }
  const std::size_t payload = length - header_length;
  const std::uint32_t sequence = wire::tcp::sequence_number(*header);
  // Like tcpdump: a segment without payload has no range, and an ACK alone has no sequence number.
  constexpr unsigned uses_sequence = wire::tcp::flag_syn | wire::tcp::flag_fin | wire::tcp::flag_rst;
  if (payload != 0 || (flags & uses_sequence) != 0) text += ", seq " + number(sequence);
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
         (code < codes.size() ? std::string{codes.at(code)} : "code " + number(code));
}

std::string icmpv6_text(wire::Bytes message, std::size_t length) {
  const auto header = wire::fixed<wire::icmpv6::header_size>(message);
  if (!header) return "ICMP6";
  const std::uint8_t type = wire::load8<0>(*header);
  const std::uint8_t code = wire::load8<1>(*header);
  constexpr std::uint8_t time_exceeded = 3;
  constexpr std::uint8_t parameter_problem = 4;
  constexpr std::size_t router_solicitation = 133;
  constexpr std::array<std::string_view, 5> discovery{"router solicitation", "router advertisement",
                                                      "neighbor solicitation", "neighbor advertisement",
                                                      "redirect"};
  const auto message_text = [&]() -> std::string {
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
    if (type >= router_solicitation && type - router_solicitation < discovery.size()) {
      return std::string{discovery.at(type - router_solicitation)};
    }
    return "type " + number(type) + ", code " + number(code);
  };
  return "ICMP6, " + message_text() + ", length " + number(length);
}

std::string icmp_text(wire::Bytes message, std::size_t length) {
  const auto header = wire::fixed<wire::icmp::header_size>(message);
  if (!header) return "ICMP";
  const std::uint8_t type = wire::load8<0>(*header);
  const std::uint8_t code = wire::load8<1>(*header);
  if (type == wire::icmp::type_destination_unreachable && code == wire::icmp::code_fragmentation_needed) {
    return "ICMP unreachable, need to frag, mtu " + number(wire::load16<6>(*header)) + ", length " +
           number(length);
  }
  return "ICMP, type " + number(type) + ", code " + number(code) + ", length " + number(length);
}

/// Returns only the name of the protocol if its header was not captured whole.
std::string payload_text(const Layer& layer, wire::Bytes payload, std::size_t length) {
  switch (layer.protocol) {
    case wire::next_header::tcp:
      return tcp_text(payload, length);
    case wire::next_header::udp:
      if (payload.size() < wire::udp::header_size) return "UDP";
      return "UDP, length " + number(length - std::min(length, wire::udp::header_size));
    case wire::next_header::icmpv6:
      return icmpv6_text(payload, length);
    case wire::icmp::protocol:
      return icmp_text(payload, length);
    case no_next_header:
      return "no next header, length " + number(length);
    default:
      return "ip-proto-" + number(layer.protocol) + ", length " + number(length);
  }
}

std::string fragment_text(const Layer& layer) {
  std::array<char, 64> text{};
  if (layer.version == 4) {
    // The length in the header counts, because the options may not have been captured.
    const wire::Ipv4Header header{layer.bytes.first<wire::ipv4_header_size>()};
    const std::size_t length = layer.length - header.header_length();
    (void)std::snprintf(text.data(), text.size(), "frag (%u:%zu@%zu%s) ", layer.identification, length,
                        layer.fragment_offset, layer.more_fragments ? "+" : "");
  } else {
    const std::size_t length = layer.length - layer.header_length;
    (void)std::snprintf(text.data(), text.size(), "frag (0x%08x:%zu|%zu) ", layer.identification,
                        layer.fragment_offset, length);
  }
  return text.data();
}

std::string carrier_text(const Layer& layer) {
  switch (layer.carrier) {
    case Carrier::none:
      return {};
    case Carrier::gre:
      return "GRE: ";
    case Carrier::vxlan:
      return "VXLAN vni " + number(layer.network) + ": ";
    case Carrier::geneve:
      return "Geneve vni " + number(layer.network) + ": ";
  }
  return {};
}

std::string layer_text(const Layer& layer) {
  const bool has_payload = layer.header_length != 0;
  const Ports ports = ports_of(layer, has_payload ? layer.bytes.subspan(layer.header_length) : wire::Bytes{});
  std::string text;
  if (layer.version == 4) {
    const wire::Ipv4Header header{layer.bytes.first<wire::ipv4_header_size>()};
    text = "IP " + to_string(header.source().address) + ports.source + " > " +
           to_string(header.destination().address) + ports.destination + ": ";
  } else {
    const wire::Ipv6Header header{layer.bytes.first<wire::ipv6_header_size>()};
    text = "IP6 " + to_string(header.source().address) + ports.source + " > " +
           to_string(header.destination().address) + ports.destination + ": ";
  }
  if (layer.missing != 0) text += "[" + number(layer.missing) + " bytes missing] ";
  if (layer.fragment) text += fragment_text(layer);
  return text + carrier_text(layer);
}

/// `payload_text` describes the payload of this layer.
bool has_payload_text(const Layer& layer) {
  return layer.header_length != 0 &&
         (layer.protocol == wire::next_header::tcp || layer.protocol == wire::next_header::udp ||
          layer.protocol == wire::next_header::icmpv6 || layer.protocol == wire::icmp::protocol);
}

std::string end_text(const Layers& packet) {
  switch (packet.end) {
    case LayersEnd::payload:
      return payload_text(packet.layers().back(), packet.payload, packet.payload_length);
    case LayersEnd::later_fragment:
    case LayersEnd::fragment:
      return "ip-proto-" + number(packet.layers().back().protocol);
    case LayersEnd::too_deep:
      return "...";
    case LayersEnd::cut_short:
      return std::string{truncated};
    case LayersEnd::malformed:
      break;
  }
  const bool has_text = !packet.layers().empty() && has_payload_text(packet.layers().back());
  return (has_text ? payload_text(packet.layers().back(), packet.payload, packet.payload_length) + ' ' : "") +
         "[malformed]";
}

}  // namespace

std::string describe_layers(const Layers& packet) {
  std::string text;
  for (const Layer& layer : packet.layers()) text += layer_text(layer);
  text += end_text(packet);
  if (packet.is_truncated() && !text.ends_with(truncated)) text += ' ' + std::string{truncated};
  return text;
}

std::string describe_packet(wire::Bytes packet, std::size_t length) {
  return describe_layers(take_apart(packet, length));
}

std::string describe_incomplete(const IncompletePacket& packet) {
  const Ipv4FragmentKey& key = packet.key;
  return "IP " + to_string(key.source.address) + " > " + to_string(key.destination.address) + ": frag (" +
         number(key.identification) + ": " + number(packet.fragments) +
         (packet.fragments == 1 ? " fragment" : " fragments") + ") ip-proto-" + number(key.protocol) +
         (packet.malformed ? " [malformed]" : " [incomplete]");
}

std::string time_text(std::chrono::nanoseconds time) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(time).count() % std::micro::den;
  std::tm local{};
  (void)::localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%06d", local.tm_hour, local.tm_min,
                      local.tm_sec, static_cast<int>(microseconds));
  return text.data();
}

}  // namespace sixin4::dissect
