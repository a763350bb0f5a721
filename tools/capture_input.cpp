#include "capture_input.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "sixin4/capture/link_layer.hpp"
#include "sixin4/control/options.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4 {

namespace {

capture::CaptureReader open(const std::string& path) {
  try {
    return capture::CaptureReader{path};
  } catch (const std::invalid_argument& error) {
    throw control::ConfigurationError(error.what());
  }
}

}  // namespace

CaptureInput::CaptureInput(const std::string& path) : reader_(open(path)) {}

std::optional<InputPacket> CaptureInput::next() {
  using Kind = capture::LinkPayload::Kind;
  while (const auto frame = next_frame()) {
    ++counts_.frames;
    const capture::LinkPayload payload = capture::strip_link_header(reader_.link_type(), frame->bytes);
    if (payload.kind != Kind::ip) {
      ++(payload.kind == Kind::other ? counts_.not_ip : counts_.cut_short);
      continue;
    }
    const std::size_t in_front = frame->bytes.size() - payload.packet.size();
    const InputPacket whole{.time = frame->time, .bytes = payload.packet, .length = frame->length - in_front};
    const auto header = wire::Ipv4Header::at(whole.bytes);
    if (!header || !header->is_fragment() || header->protocol() != wire::protocol_ipv6) return whole;
    ++counts_.fragments;
    const std::size_t cut = std::min<std::size_t>(whole.bytes.size(), header->total_length());
    const wire::Bytes fragment = whole.bytes.first(std::max(cut, header->header_length()));
    if (const auto packet = assembler_.add(fragment, frame->time)) {
      ++counts_.reassembled;
      return InputPacket{.time = frame->time,
                         .bytes = packet->packet,
                         .length = packet->length,
                         .fragments = packet->fragments};
    }
  }
  return std::nullopt;
}

std::optional<capture::CapturedFrame> CaptureInput::next_frame() {
  try {
    return reader_.next();
  } catch (const std::system_error&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw control::ConfigurationError(error.what());
  }
}

}  // namespace sixin4
