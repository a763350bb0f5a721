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

/// The kernel throws others away, and their packet never becomes whole. Of what the capture has not kept
/// nothing is known.
bool is_good_fragment(const InputPacket& packet, const wire::Ipv4Header& header) noexcept {
  return header.total_length() <= packet.length &&
         wire::sum_of(packet.bytes.first(header.header_length())).checksum() == 0;
}

/// The packet that has none but carriers around it.
InputPacket under_carriers(const InputPacket& packet) noexcept {
  const Layers layers = take_apart(packet.bytes, packet.length);
  const auto carried = std::ranges::find(layers.layers(), Carrier::none, &Layer::carrier);
  if (carried == layers.layers().begin() || carried == layers.layers().end()) return packet;
  InputPacket found = packet;
  found.bytes = carried->bytes;
  found.length = carried->length - carried->missing;
  return found;
}

}  // namespace

CaptureInput::CaptureInput(const std::string& path, bool bar, TakesIncomplete incomplete, Carriers carriers)
    : path_(path), reader_(open(path)), incomplete_(std::move(incomplete)), carriers_(carriers) {
  if (bar) progress_.emplace(reader_.size());
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
    const std::size_t in_front = frame->bytes.size() - payload.packet.size();
    const InputPacket whole{.time = frame->time,
                            .bytes = payload.packet,
                            .length = frame->length - in_front,
                            .link_type = frame->link_type};
    const InputPacket carried = carriers_ == Carriers::are_opened ? under_carriers(whole) : whole;
    const auto header = wire::Ipv4Header::at(carried.bytes);
    if (!header || !header->is_fragment() || header->protocol() != wire::protocol_ipv6) return whole;
    if (!is_good_fragment(carried, *header)) return whole;
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

/// One interface of many may be of any kind. Where all packets are of unknown kinds, nothing was read.
void CaptureInput::check_link_types() const {
  if (!unknown_link_type_ || counts_.unknown_link != counts_.frames) return;
  throw base::ConfigurationError(path_ + ": sixin4 does not know the link type " +
                                 link_type_text(*unknown_link_type_));
}

std::optional<CapturedFrame> CaptureInput::next_frame() {
  try {
    const auto frame = reader_.next();
    if (!frame) {
      end();
    } else if (progress_) {
      progress_->step([this] { return reader_.position(); });
    }
    return frame;
  } catch (const std::system_error&) {
    throw;
  } catch (const std::runtime_error& error) {
    end();
    throw base::ConfigurationError(error.what());
  }
}

std::optional<Reassembled> CaptureInput::assemble(const InputPacket& packet, const wire::Ipv4Header& header) {
  const std::size_t cut = std::min<std::size_t>(packet.bytes.size(), header.total_length());
  const wire::Bytes fragment = packet.bytes.first(std::max(cut, header.header_length()));
  const auto whole = assembler_.add(fragment, packet.time);
  tell_incomplete();
  return whole;
}

void CaptureInput::tell_incomplete() const {
  if (!incomplete_) return;
  for (const IncompletePacket& packet : assembler_.given_up()) incomplete_(packet);
}

/// What was waited for does not come any more.
void CaptureInput::end() {
  progress_.reset();
  assembler_.finish();
  tell_incomplete();
}

}  // namespace sixin4::dissect
