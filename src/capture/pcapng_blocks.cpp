#include "sixin4/capture/pcapng_blocks.hpp"

#include <algorithm>
#include <utility>

#include "sixin4/engine/verdict.hpp"

namespace sixin4::capture {

namespace pcapng = wire::pcapng;

std::chrono::nanoseconds time_of_day_offset() {
  using Clock = engine::Time::clock;
  constexpr int tries = 3;  // because the thread may be interrupted in one of them
  std::chrono::nanoseconds shortest = std::chrono::nanoseconds::max();
  std::chrono::nanoseconds offset{};
  for (int i = 0; i < tries; ++i) {
    const auto before = Clock::now();
    const std::chrono::nanoseconds day = std::chrono::system_clock::now().time_since_epoch();
    const std::chrono::nanoseconds took = Clock::now() - before;
    if (took >= shortest) continue;
    shortest = took;
    offset = day - (before.time_since_epoch() + took / 2);
  }
  return offset;
}

std::uint64_t time_of_day_ns(engine::Time time, std::chrono::nanoseconds offset) noexcept {
  const std::chrono::nanoseconds since_1970 = time.time_since_epoch() + offset;
  return static_cast<std::uint64_t>(std::max<std::chrono::nanoseconds::rep>(0, since_1970.count()));
}

pcapng::Direction pcapng_direction(engine::Direction direction) noexcept {
  return direction == engine::Direction::out ? pcapng::Direction::out : pcapng::Direction::in;
}

std::string interface_name(const std::string& tunnel, Form form) {
  return tunnel + (form == Form::inner ? " (inner)" : " (outer)");
}

std::string drop_text(engine::Verdict verdict) {
  return verdict == engine::Verdict::pass ? "" : "drop: " + std::string{engine::name_of(verdict)};
}

void PcapngBlocks::begin(pcapng::Buffer& to) {
  interfaces_ = {};
  pcapng::append_section(to, head_.application, head_.operating_system);
  for (const Form form : {Form::inner, Form::outer}) {
    if (!head_.form || *head_.form == form) (void)interface_of(to, form);
  }
}

/// Describes the interface if the section has not described it yet.
std::uint32_t PcapngBlocks::interface_of(pcapng::Buffer& to, Form form) {
  auto& number = interfaces_[static_cast<std::size_t>(form)];
  if (number) return *number;
  number = static_cast<std::uint32_t>(std::ranges::count_if(interfaces_, [](const auto& i) { return !!i; }));
  const std::string name = interface_name(head_.interface, form);
  pcapng::append_interface(to, {.name = name, .filter = head_.filter, .snap_length = head_.snap_length});
  return *number;
}

void PcapngBlocks::add(pcapng::Buffer& to, const SeenPacket& packet, std::chrono::nanoseconds offset) {
  const std::uint32_t interface = interface_of(to, packet.form);
  const std::string comment = drop_text(packet.verdict);
  const std::size_t kept = std::min<std::size_t>(packet.bytes.size(), head_.snap_length);
  pcapng::append_packet(to, {.interface = interface,
                             .time_ns = time_of_day_ns(packet.time, offset),
                             .direction = pcapng_direction(packet.direction),
                             .id = packet.id,
                             .bytes = packet.bytes.first(kept),
                             .length = packet.length,
                             .comment = comment});
}

void PcapngBlocks::finish(pcapng::Buffer& to, const CaptureCounts& inner, const CaptureCounts& outer,
                          engine::Time started, std::chrono::nanoseconds offset) const {
  const std::uint64_t now = time_of_day_ns(engine::Time::clock::now(), offset);
  for (const auto& [form, counts] : {std::pair{Form::inner, inner}, std::pair{Form::outer, outer}}) {
    const auto& interface = interfaces_[static_cast<std::size_t>(form)];
    if (!interface) continue;
    pcapng::append_statistics(to, {.interface = *interface,
                                   .start_ns = time_of_day_ns(started, offset),
                                   .end_ns = now,
                                   .received = counts.received,
                                   .dropped = counts.missed,
                                   .delivered = counts.delivered});
  }
}

}  // namespace sixin4::capture
