// The way of a frame of a capture file:
//
//  1. CaptureReader reads the frame: of a pcap file with libpcap, of a pcapng file with the parser in `wire`.
//     A damaged file ends here with an exception.
//  2. A frame of an unknown link type is counted and skipped.
//  3. `strip_link_header` finds the IP packet in the frame. A frame without one, or one that was cut
//     before it, is counted and skipped.
//  4. In `decode` the GRE, VXLAN and Geneve headers around the packet are removed for steps 5 and 6.
//  5. A packet that is no IPv4 fragment of protocol 41, or a damaged fragment, is returned with its carriers.
//  6. FragmentAssembler collects the fragments. The last fragment of a packet returns the whole packet.
//     Packets whose fragments are given up go to the IncompleteHandler.
//  7. At the end of the file the waiting fragments are given up. It is an error if all frames had unknown
//     link types, because nothing was read.
#include "sixin4/dissect/capture_input.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "sixin4/base/options.hpp"
#include "sixin4/dissect/layers.hpp"
#include "sixin4/dissect/link_layer.hpp"
#include "sixin4/wire/checksum.hpp"

namespace sixin4::dissect {

namespace {

CaptureReader open(const std::string& path) {
  try {
    return CaptureReader{path};
  } catch (const std::invalid_argument& error) {
    throw base::ConfigurationError(error.what());
  }
}

/// The fragment was not shorter on the wire than its header says, and its header checksum is right. The
/// kernel drops other fragments before reassembly. Bytes that were not captured are not checked.
bool is_valid_fragment(const InputPacket& packet, const wire::Ipv4Header& header) noexcept {
  return header.total_length() <= packet.length &&
         wire::sum_of(packet.bytes.first(header.header_length())).checksum() == 0;
}

/// Removes the carriers around the packet. A packet without carriers is returned as it is.
InputPacket without_carriers(const InputPacket& packet) noexcept {
  const Layers layers = take_apart(packet.bytes, packet.length);
  const auto carried = std::ranges::find(layers.layers(), Carrier::none, &Layer::carrier);
  if (carried == layers.layers().begin() || carried == layers.layers().end()) return packet;
  InputPacket inside = packet;
  inside.bytes = carried->bytes;
  inside.length = carried->length - carried->missing;
  return inside;
}

}  // namespace

CaptureInput::CaptureInput(const std::string& path, bool shows_progress, IncompleteHandler incomplete,
                           Carriers carriers)
    : path_(path), reader_(open(path)), incomplete_(std::move(incomplete)), carriers_(carriers) {
  if (shows_progress) progress_.emplace(reader_.size());
}

std::optional<InputPacket> CaptureInput::next() {
  using Kind = LinkPayload::Kind;
  while (const auto frame = next_frame()) {
    ++counts_.frames;
    if (!knows_link_type(frame->link_type)) {
      ++counts_.unknown_link;
      if (!unknown_link_type_) unknown_link_type_ = frame->link_type;
      continue;
    }
    const LinkPayload payload = strip_link_header(frame->link_type, frame->bytes);
    if (payload.kind != Kind::ip) {
      ++(payload.kind == Kind::other ? counts_.not_ip : counts_.cut_short);
      continue;
    }
    const std::size_t link_header = frame->bytes.size() - payload.packet.size();
    const InputPacket whole{.time = frame->time,
                            .bytes = payload.packet,
                            .length = frame->length - link_header,
                            .link_type = frame->link_type};
    const InputPacket carried = carriers_ == Carriers::are_opened ? without_carriers(whole) : whole;
    const auto header = wire::Ipv4Header::at(carried.bytes);
    if (!header || !header->is_fragment() || header->protocol() != wire::protocol_ipv6) return whole;
    if (!is_valid_fragment(carried, *header)) return whole;
    if (const auto packet = assemble(carried, *header)) {
      ++counts_.reassembled;
      counts_.fragments += packet->fragments;
      return InputPacket{.time = frame->time,
                         .bytes = packet->packet,
                         .length = packet->length,
                         .fragments = packet->fragments,
                         .link_type = frame->link_type};
    }
  }
  check_link_types();
  return std::nullopt;
}

/// Throws if all frames had unknown link types. A pcapng file may have some interfaces of unknown types
/// beside readable ones.
void CaptureInput::check_link_types() const {
  if (!unknown_link_type_ || counts_.unknown_link != counts_.frames) return;
  throw base::ConfigurationError(path_ + ": sixin4 does not know the link type " +
                                 link_type_text(*unknown_link_type_));
}

std::optional<CapturedFrame> CaptureInput::next_frame() {
  try {
    const auto frame = reader_.next();
    if (!frame) {
      finish();
    } else if (progress_) {
      progress_->step([this] { return reader_.position(); });
    }
    return frame;
  } catch (const std::system_error&) {
    throw;
  } catch (const std::runtime_error& error) {
    finish();
    throw base::ConfigurationError(error.what());
  }
}

std::optional<Reassembled> CaptureInput::assemble(const InputPacket& packet, const wire::Ipv4Header& header) {
  const std::size_t cut = std::min<std::size_t>(packet.bytes.size(), header.total_length());
  const wire::Bytes fragment = packet.bytes.first(std::max(cut, header.header_length()));
  const auto whole = assembler_.add(fragment, packet.time);
  report_incomplete();
  return whole;
}

void CaptureInput::report_incomplete() const {
  if (!incomplete_) return;
  for (const IncompletePacket& packet : assembler_.given_up()) incomplete_(packet);
}

/// The end of the file: gives up the fragments that still wait.
void CaptureInput::finish() {
  progress_.reset();
  assembler_.finish();
  report_incomplete();
}

}  // namespace sixin4::dissect
