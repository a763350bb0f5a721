// Fuzzes the input of the offline verbs: capture files, frames of every link type, fragments, tunnels in
// tunnels.
//
// Input: kind (1 byte): 255 for a capture file, which follows, else the index of a link type. Then frames
// follow, each with the number of bytes that the capture has cut off (1), length (2) and bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "sixin4/capture/filter.hpp"
#include "sixin4/dissect/capture_input.hpp"
#include "sixin4/dissect/fragment_assembler.hpp"
#include "sixin4/dissect/layers.hpp"
#include "sixin4/dissect/link_layer.hpp"
#include "sixin4/dissect/packet_json.hpp"
#include "sixin4/dissect/packet_text.hpp"
#include "sixin4/wire/checksum.hpp"

#include "../../src/replay/replay_side.hpp"

namespace {

using namespace sixin4;

constexpr std::uint8_t is_file = 255;
// DLT_ values of libpcap: RAW, Ethernet, cooked 1 and 2, PPP, PPP in HDLC, PPPoE, Cisco HDLC, loopback (2),
// IPv4, SLIP, netfilter log.
constexpr std::array link_types{12, 1, 113, 276, 9, 50, 51, 104, 0, 108, 228, 8, 239};

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "violated: " << what << std::endl;
  std::abort();
}

bool is_within(wire::Bytes part, wire::Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_layers(const sixin4::dissect::Layers& layers, wire::Bytes packet, std::size_t length) {
  check(layers.count <= layers.all.size(), "a bounded number of layers");
  wire::Bytes around = packet;
  for (const sixin4::dissect::Layer& layer : layers.layers()) {
    check(is_within(layer.bytes, around), "a layer is within the one around it");
    check(layer.bytes.size() <= layer.length && layer.header_length <= layer.bytes.size(),
          "a header is in its packet");
    check(layer.missing <= layer.length, "no more is missing than there should be");
    check(layer.version == 4 || layer.version == 6, "a version of IP");
    around = layer.bytes;
  }
  check(is_within(layers.payload, around), "the payload is within the last layer");
  if (packet.size() >= length) check(!layers.is_truncated(), "a complete packet is not truncated");
}

const capture::Filter& filter() {
  static const capture::Filter instance{"tcp port 80 or icmp6 or (ip6[6] == 17 and udp[4:2] > 100)"};
  return instance;
}

const engine::TunnelParameters& parameters() {
  static const engine::TunnelParameters instance = [] {
    engine::TunnelParameters parameters;
    parameters.local = {{192, 0, 2, 1}};
    parameters.remote = {{198, 51, 100, 1}};
    parameters.ours = {{.address = {{0x20, 0x01, 0x0d, 0xb8, 0, 1}}, .length = 64}};
    return parameters;
  }();
  return instance;
}

void check_packet(wire::Bytes packet, std::size_t length, std::uint32_t fragments) {
  const sixin4::dissect::Layers layers = sixin4::dissect::take_apart(packet, length);
  check_layers(layers, packet, length);
  const dissect::Layers less = dissect::take_apart(packet.first(packet.size() / 2), length);
  check(less.count <= layers.count, "a shorter capture shows no more layers");

  const std::string line = dissect::describe_layers(layers);
  check(!line.empty() && line.find('\n') == std::string::npos, "a line is one line");
  if (layers.is_truncated()) check(line.ends_with("[truncated]"), "a truncated packet is named as such");
  const std::string object = dissect::packet_json(layers, {.fragments = fragments});
  check(nlohmann::json::parse(object).at("layers").size() == layers.count, "JSON parses, with all layers");
  for (const sixin4::dissect::Layer& layer : layers.layers()) {
    (void)filter().matches(layer.bytes, static_cast<std::uint32_t>(layer.length - layer.missing));
  }
  if (line.find("[truncated]") != std::string::npos) {
    check(layers.is_truncated(), "no other packet is named truncated");
  }
  check((line.find("[malformed]") != std::string::npos) == (layers.end == dissect::LayersEnd::malformed),
        "only a malformed packet is named malformed");
  (void)replay::side_of(packet, replay::Framing::link, parameters());
  const replay::ReplaySide side = replay::side_of(packet, replay::Framing::bare, parameters());
  if (side == replay::ReplaySide::error)
    check(is_within(replay::wire_error_of(packet).quoted, packet), "a quotation is in its message");
  if (side == replay::ReplaySide::outward) {
    const wire::VnetHeader offload = replay::offload_of(packet, 1280);
    check(offload.checksum_start + offload.checksum_offset < static_cast<int>(packet.size()),
          "a checksum is in its packet");
  }
}

void check_frames(int link_type, wire::Bytes input) {
  sixin4::dissect::FragmentAssembler assembler;
  std::chrono::nanoseconds time{};
  while (const auto head = wire::fixed<3>(input)) {
    const std::size_t length = std::min<std::size_t>(input.size() - head->size(), wire::load16<1>(*head));
    const std::size_t kept = length - std::min<std::size_t>(length, wire::load8<0>(*head));
    // A copy of exactly its size, so that AddressSanitizer finds reads beyond it.
    const auto copy = std::make_unique<std::uint8_t[]>(kept);
    const wire::Bytes frame{copy.get(), kept};
    std::ranges::copy(input.subspan(head->size(), kept), copy.get());
    input = input.subspan(head->size() + length);
    time += std::chrono::seconds{1};

    const sixin4::dissect::LinkPayload payload = sixin4::dissect::strip_link_header(link_type, frame);
    check(is_within(payload.packet, frame), "a packet is within its frame");
    if (payload.kind != sixin4::dissect::LinkPayload::Kind::ip) continue;
    check_packet(payload.packet, payload.packet.size() + (length - kept), 0);
    const auto header = wire::Ipv4Header::at(payload.packet);
    if (!header || !header->is_fragment()) continue;
    const auto whole = assembler.add(payload.packet, time);
    for (const sixin4::dissect::IncompletePacket& incomplete : assembler.given_up()) {
      check(incomplete.fragments != 0, "an incomplete packet has a fragment");
      check(nlohmann::json::parse(dissect::packet_json(incomplete)).at("incomplete") == true,
            "JSON says incomplete");
    }
    if (!whole) continue;
    check(whole->packet.size() <= whole->length && whole->length <= wire::ipv4_max_packet,
          "a packet has a length");
    const auto joined = wire::Ipv4Header::at(whole->packet);
    check(joined && !joined->is_fragment() && joined->total_length() == whole->length,
          "a reassembled packet is not a fragment");
    check(wire::sum_of(whole->packet.first(joined->header_length())).checksum() == 0,
          "a reassembled packet has a right header checksum");
    check_packet(whole->packet, whole->length, whole->fragments);
  }
}

void check_file(wire::Bytes file) {
  const int fd = ::memfd_create("capture", MFD_CLOEXEC);
  check(fd >= 0 && ::write(fd, file.data(), file.size()) == static_cast<ssize_t>(file.size()),
        "there is memory");
  try {
    dissect::CaptureInput input{
        "/proc/self/fd/" + std::to_string(fd), false, {}, dissect::CaptureInput::Carriers::are_opened};
    while (const auto packet = input.next()) check_packet(packet->bytes, packet->length, packet->fragments);
    check(input.file().position() <= file.size(), "the position is in the file");
  } catch (const std::runtime_error& error) {
    check(std::string{error.what()}.starts_with("/proc/self/fd/"), "an error names the file");
  }
  (void)::close(fd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::Bytes input{data, size};
  if (input.empty()) return -1;
  if (input.front() == is_file) {
    check_file(input.subspan(1));
  } else {
    check_frames(link_types.at(input.front() % link_types.size()), input.subspan(1));
  }
  return 0;
}
