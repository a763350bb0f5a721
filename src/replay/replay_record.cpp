#include "replay_record.hpp"

#include <string>

#include "sixin4/base/standard_output.hpp"
#include "sixin4/capture/pcapng_blocks.hpp"
#include "sixin4/dissect/packet_text.hpp"

namespace sixin4::replay {

void ReplayRecord::from_tun(engine::PacketId id, wire::Bytes packet) {
  arrive({.id = id, .form = Form::inner, .direction = engine::Direction::out}, packet);
}

void ReplayRecord::from_wire(engine::PacketId id, wire::Bytes packet) {
  arrive({.id = id, .form = Form::outer, .direction = engine::Direction::in}, packet);
}

void ReplayRecord::arrive(const Seen& seen, wire::Bytes packet) {
  arrived_ = seen;
  arrived_bytes_.assign(packet.begin(), packet.end());
}

void ReplayRecord::refused(engine::PacketId id, engine::Verdict verdict) {
  if (!arrived_ || arrived_->id != id) return;
  arrived_->verdict = verdict;
  print(*arrived_, "dropped " + std::string{engine::name_of(verdict)}, arrived_bytes_);
  write_arrived();
}

void ReplayRecord::to_wire(engine::PacketId id, std::span<const wire::Bytes> parts, engine::Verdict verdict) {
  write_arrived();
  const Seen seen{.id = id, .form = Form::outer, .direction = engine::Direction::out, .verdict = verdict};
  const wire::Bytes packet = joined(parts);
  print(seen, "sent", packet);
  write(seen, packet);
}

void ReplayRecord::to_tun(engine::PacketId id, wire::Bytes packet) {
  write_arrived();
  const Seen seen{.id = id, .form = Form::inner, .direction = engine::Direction::in};
  print(seen, "written", packet);
  write(seen, packet);
}

void ReplayRecord::answered(engine::PacketId id, wire::Bytes packet) {
  const Seen seen{.id = id, .form = Form::inner, .direction = engine::Direction::in};
  print(seen, "answered", packet);
  write(seen, packet);
}

void ReplayRecord::end() {
  write_arrived();
}

void ReplayRecord::error(wire::Bytes packet, std::string_view outcome) {
  if (!prints_) return;
  std::string line = dissect::time_text(time_) + " in  - ";
  line.append(outcome).append(": ").append(dissect::describe_packet(packet)) += '\n';
  lines_.insert(0, line);
}

void ReplayRecord::flush() {
  if (output_ != nullptr && output_->has_full_buffer()) output_->flush();
  if (lines_.empty()) return;
  base::print(lines_);
  lines_.clear();
}

/// The verdict of the arrived packet is final: writes it.
void ReplayRecord::write_arrived() {
  if (arrived_) write(*arrived_, arrived_bytes_);
  arrived_.reset();
}

void ReplayRecord::write(const Seen& seen, wire::Bytes packet) {
  if (output_ == nullptr) return;
  const std::string comment = capture::drop_text(seen.verdict);
  wire::pcapng::append_packet(output_->buffer(), {.interface = seen.form == Form::inner ? 0U : 1U,
                                                  .time_ns = static_cast<std::uint64_t>(time_.count()),
                                                  .direction = capture::pcapng_direction(seen.direction),
                                                  .id = seen.id,
                                                  .bytes = packet,
                                                  .length = static_cast<std::uint32_t>(packet.size()),
                                                  .comment = comment});
}

void ReplayRecord::print(const Seen& seen, std::string_view outcome, wire::Bytes packet) {
  if (!prints_) return;
  lines_.append(dissect::time_text(time_))
      .append(seen.direction == engine::Direction::out ? " out " : " in  ")
      .append(std::to_string(seen.id));
  lines_.append(" ").append(outcome).append(": ").append(dissect::describe_packet(packet)) += '\n';
}

wire::Bytes ReplayRecord::joined(std::span<const wire::Bytes> parts) {
  joined_.clear();
  for (const wire::Bytes part : parts) joined_.insert(joined_.end(), part.begin(), part.end());
  return joined_;
}

}  // namespace sixin4::replay
