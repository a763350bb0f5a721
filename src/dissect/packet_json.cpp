#include "sixin4/dissect/packet_json.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::dissect {

namespace {

using json = nlohmann::ordered_json;

/// Seconds since 1970 with nine decimals. This is text, because a JSON number has too little precision.
std::string seconds_text(std::chrono::nanoseconds time) {
  std::string digits = std::to_string(time.count());
  constexpr std::size_t fraction = 9;
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  return digits.insert(digits.size() - fraction, ".");
}

void add_carrier(const Layer& layer, json& object) {
  switch (layer.carrier) {
    case Carrier::none:
      return;
    case Carrier::gre:
      object["carrier"] = "gre";
      return;
    case Carrier::vxlan:
      object["carrier"] = "vxlan";
      break;
    case Carrier::geneve:
      object["carrier"] = "geneve";
      break;
  }
  object["vni"] = layer.network;
}

json layer_json(const Layer& layer) {
  json object{{"version", layer.version}};
  if (layer.version == 4) {
    const wire::Ipv4Header header{layer.bytes.first<wire::ipv4_header_size>()};
    object["source"] = to_string(header.source().address);
    object["destination"] = to_string(header.destination().address);
    object["protocol"] = layer.protocol;
    object["ttl"] = header.ttl();
    object["tos"] = header.tos();
    object["identification"] = header.identification();
    object["dont_fragment"] = header.dont_fragment();
  } else {
    const wire::Ipv6Header header{layer.bytes.first<wire::ipv6_header_size>()};
    object["source"] = to_string(header.source().address);
    object["destination"] = to_string(header.destination().address);
    object["protocol"] = layer.protocol;
    object["ttl"] = header.hop_limit();
    object["tos"] = header.traffic_class();
    object["flow_label"] = wire::load32<0>(layer.bytes.first<4>()) & 0xfffffU;
  }
  object["length"] = layer.length;
  object["header_length"] = layer.header_length;
  if (layer.missing != 0) object["missing"] = layer.missing;
  if (layer.fragment) {
    object["fragment"] = {{"offset", layer.fragment_offset},
                          {"more", layer.more_fragments},
                          {"identification", layer.identification}};
  }
  add_carrier(layer, object);
  return object;
}

json tcp_json(wire::Bytes segment, std::size_t length) {
  const auto header = wire::fixed<wire::tcp::min_header_size>(segment);
  if (!header) return nullptr;
  const std::size_t header_length = wire::tcp::header_length(*header);
  const bool fits = header_length >= wire::tcp::min_header_size && header_length <= length;
  return {{"source_port", wire::load16<0>(*header)},
          {"destination_port", wire::load16<2>(*header)},
          {"seq", wire::tcp::sequence_number(*header)},
          {"ack", wire::load32<8>(*header)},
          {"flags", wire::tcp::flags(*header)},
          {"window", wire::load16<14>(*header)},
          {"length", fits ? json(length - header_length) : json(nullptr)}};
}

json udp_json(wire::Bytes datagram, std::size_t length) {
  const auto header = wire::fixed<wire::udp::header_size>(datagram);
  if (!header) return nullptr;
  return {{"source_port", wire::load16<0>(*header)},
          {"destination_port", wire::load16<2>(*header)},
          {"length", length - std::min(length, wire::udp::header_size)}};
}

json icmpv6_json(wire::Bytes message, std::size_t length) {
  const auto header = wire::fixed<wire::icmpv6::header_size>(message);
  if (!header) return nullptr;
  const std::uint8_t type = wire::load8<0>(*header);
  json object{{"type", type}, {"code", wire::load8<1>(*header)}, {"length", length}};
  if (type == wire::icmpv6::type_packet_too_big) object["mtu"] = wire::load32<4>(*header);
  if (type == wire::icmpv6::type_echo_request || type == wire::icmpv6::type_echo_reply) {
    object["id"] = wire::load16<4>(*header);
    object["seq"] = wire::load16<6>(*header);
  }
  return object;
}

/// Adds the transport header, or null if it was not captured whole.
void add_payload(const Layers& packet, json& object) {
  switch (packet.layers().back().protocol) {
    case wire::next_header::tcp:
      object["tcp"] = tcp_json(packet.payload, packet.payload_length);
      break;
    case wire::next_header::udp:
      object["udp"] = udp_json(packet.payload, packet.payload_length);
      break;
    case wire::next_header::icmpv6:
      object["icmpv6"] = icmpv6_json(packet.payload, packet.payload_length);
      break;
    default:
      break;
  }
}

}  // namespace

std::string packet_json(const Layers& packet, const PacketFacts& facts) {
  json object{{"time", seconds_text(facts.time)}};
  json& layers = object["layers"] = json::array();
  for (const Layer& layer : packet.layers()) layers.push_back(layer_json(layer));
  const bool has_headers = packet.count != 0 && packet.layers().back().header_length != 0;
  const bool looked_into = packet.end == LayersEnd::payload || packet.end == LayersEnd::malformed;
  if (has_headers && looked_into) add_payload(packet, object);
  object["truncated"] = packet.is_truncated();
  object["malformed"] = packet.end == LayersEnd::malformed;
  object["too_deep"] = packet.end == LayersEnd::too_deep;
  object["incomplete"] = false;
  object["fragments"] = facts.fragments;
  return base::to_json_text(std::move(object)) + '\n';
}

std::string packet_json(const IncompletePacket& packet) {
  const json layer{{"version", 4},
                   {"source", to_string(packet.key.source.address)},
                   {"destination", to_string(packet.key.destination.address)},
                   {"protocol", packet.key.protocol},
                   {"identification", packet.key.identification}};
  json object{{"time", seconds_text(packet.time)},
              {"layers", json::array({layer})},
              {"truncated", false},
              {"malformed", packet.malformed},
              {"too_deep", false},
              {"incomplete", true},
              {"fragments", packet.fragments}};
  return base::to_json_text(std::move(object)) + '\n';
}

}  // namespace sixin4::dissect
