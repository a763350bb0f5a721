#include "sixin4/wire/pcapng.hpp"

#include <array>
#include <cstring>
#include <limits>

#include "sixin4/wire/pcapng_format.hpp"

namespace sixin4::wire::pcapng {

namespace {

constexpr std::uint8_t nanoseconds = 9;          // 10^-9 s
constexpr std::uint8_t language_of_libpcap = 0;  // the code of a filter in pcap-filter(7) syntax

/// Writes one block; `finish` sets its length, which stands at both ends.
class Block {
 public:
  Block(Buffer& to, std::uint32_t type) : to_(to), start_(to.size()) {
    put(type);
    put(std::uint32_t{0});
  }

  template <typename Word>
  void put(Word word) {
    std::array<std::uint8_t, sizeof word> bytes{};
    std::memcpy(bytes.data(), &word, sizeof word);
    to_.insert(to_.end(), bytes.begin(), bytes.end());
  }
  /// A time stamp is two words, the upper one first in either byte order.
  void put_time(std::uint64_t time_ns) {
    put(static_cast<std::uint32_t>(time_ns >> 32U));
    put(static_cast<std::uint32_t>(time_ns));
  }
  void put_bytes(Bytes bytes) {
    to_.insert(to_.end(), bytes.begin(), bytes.end());
    to_.resize((to_.size() - start_ + alignment - 1) / alignment * alignment + start_);
  }

  template <typename Word>
  void put_option(std::uint16_t code, Word word) {
    begin_option(code, sizeof word);
    put(word);
  }
  void put_time_option(std::uint16_t code, std::uint64_t time_ns) {
    begin_option(code, sizeof time_ns);
    put_time(time_ns);
  }
  /// Writes nothing for an empty `text`.
  void put_text_option(std::uint16_t code, std::string_view text, Bytes prefix = {}) {
    if (text.empty()) return;
    Buffer bytes{prefix.begin(), prefix.end()};
    const std::size_t room = std::numeric_limits<std::uint16_t>::max() - bytes.size();
    text = text.substr(0, room);
    bytes.insert(bytes.end(), text.begin(), text.end());
    begin_option(code, bytes.size());
    put_bytes(bytes);
  }
  void put_byte_option(std::uint16_t code, std::uint8_t byte) {
    begin_option(code, 1);
    put_bytes({&byte, 1});
  }
  void end_options() { begin_option(option::end, 0); }

  void finish() {
    const auto length = static_cast<std::uint32_t>(to_.size() - start_ + sizeof(std::uint32_t));
    put(length);
    std::memcpy(to_.data() + start_ + sizeof(std::uint32_t), &length, sizeof length);
  }

 private:
  void begin_option(std::uint16_t code, std::size_t length) {
    put(code);
    put(static_cast<std::uint16_t>(length));
  }

  Buffer& to_;
  std::size_t start_;
};

}  // namespace

void append_section(Buffer& to, std::string_view application, std::string_view operating_system) {
  Block section{to, block::section_header};
  section.put(byte_order_magic);
  section.put(std::uint16_t{1});  // version 1.0
  section.put(std::uint16_t{0});
  section.put(std::numeric_limits<std::uint64_t>::max());  // section length: unknown
  section.put_text_option(option::section_system, operating_system);
  section.put_text_option(option::section_application, application);
  section.end_options();
  section.finish();
}

void append_interface(Buffer& to, const Interface& interface) {
  Block description{to, block::interface_description};
  description.put(link_type_raw);
  description.put(std::uint16_t{0});
  description.put(interface.snap_length);
  description.put_text_option(option::interface_name, interface.name);
  description.put_byte_option(option::interface_time_resolution, nanoseconds);
  description.put_text_option(option::interface_filter, interface.filter, {&language_of_libpcap, 1});
  description.end_options();
  description.finish();
}

void append_packet(Buffer& to, const Packet& packet) {
  Block enhanced{to, block::enhanced_packet};
  enhanced.put(packet.interface);
  enhanced.put_time(packet.time_ns);
  enhanced.put(static_cast<std::uint32_t>(packet.bytes.size()));
  enhanced.put(packet.length);
  enhanced.put_bytes(packet.bytes);
  enhanced.put_text_option(option::comment, packet.comment);
  if (packet.direction != Direction::unknown) {
    enhanced.put_option(option::packet_flags, static_cast<std::uint32_t>(packet.direction));
  }
  if (packet.id) enhanced.put_option(option::packet_id, *packet.id);
  enhanced.end_options();
  enhanced.finish();
}

void append_statistics(Buffer& to, const Statistics& statistics) {
  Block written{to, block::interface_statistics};
  written.put(statistics.interface);
  written.put_time(statistics.end_ns);
  written.put_time_option(option::statistics_start, statistics.start_ns);
  written.put_time_option(option::statistics_end, statistics.end_ns);
  written.put_option(option::statistics_received, statistics.received);
  written.put_option(option::statistics_dropped, statistics.dropped);
  written.put_option(option::statistics_delivered, statistics.delivered);
  written.end_options();
  written.finish();
}

}  // namespace sixin4::wire::pcapng
