// Fuzzes the writer of capture files: libpcap reads the same packets, and the blocks contain the properties
// that libpcap does not report.
//
// Input: snap length (2 bytes), then packets up to the end of the input, each with id (8), time (8), verdict
// (1), flags (1), original length (2), captured length (2) and bytes.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "sixin4/capture/pcapng_blocks.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/bytes.hpp"

#include "../wire/pcapng_reader.hpp"

namespace {

using namespace sixin4;
using capture::Form;
using capture::SeenPacket;

constexpr std::size_t snap_bytes = 2;
constexpr std::size_t packet_bytes = 22;
constexpr std::uint8_t flag_outer = 0x01;
constexpr std::uint8_t flag_outward = 0x02;

constexpr std::size_t blocks_before = 3;  // a section and two interfaces
constexpr std::size_t blocks_after = 2;   // statistics of each interface

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "violated: " << what << std::endl;
  std::abort();
}

std::vector<SeenPacket> packets_in(wire::Bytes input) {
  std::vector<SeenPacket> packets;
  while (const auto head = wire::fixed<packet_bytes>(input)) {
    const std::size_t claimed = wire::load16<20>(*head);
    input = input.subspan(packet_bytes);
    const wire::Bytes bytes = input.first(std::min(claimed, input.size()));
    input = input.subspan(bytes.size());
    // A time from 1970 to 2116, because a time stamp has no sign.
    const auto time = static_cast<std::int64_t>(wire::load64<8>(*head) >> 2U);
    packets.push_back(
        {.id = wire::load64<0>(*head),
         .time = engine::Time{engine::Time::duration{time}},
         .form = (wire::load8<17>(*head) & flag_outer) != 0 ? Form::outer : Form::inner,
         .direction =
             (wire::load8<17>(*head) & flag_outward) != 0 ? engine::Direction::out : engine::Direction::in,
         .verdict = static_cast<engine::Verdict>(wire::load8<16>(*head) % engine::verdict_count),
         .length = std::max(static_cast<std::uint32_t>(bytes.size()), std::uint32_t{wire::load16<18>(*head)}),
         .bytes = bytes});
  }
  return packets;
}

wire::pcapng::Buffer file_of(const std::vector<SeenPacket>& packets, const capture::CaptureHead& head) {
  wire::pcapng::Buffer file;
  capture::PcapngBlocks blocks{head};
  blocks.begin(file);
  for (const SeenPacket& packet : packets) blocks.add(file, packet, std::chrono::nanoseconds{0});
  blocks.finish(file, {.received = packets.size()}, {}, engine::Time{}, std::chrono::nanoseconds{0});
  return file;
}

test::ReadPacket as_read(const SeenPacket& packet, std::size_t snap_length) {
  const wire::Bytes kept = packet.bytes.first(std::min(packet.bytes.size(), snap_length));
  return {.time_ns = static_cast<std::uint64_t>(packet.time.time_since_epoch().count()),
          .length = packet.length,
          .bytes = {kept.begin(), kept.end()}};
}

void check_by_libpcap(const std::vector<SeenPacket>& packets, capture::CaptureHead head, Form form) {
  head.form = form;
  std::vector<SeenPacket> of_form;
  std::vector<test::ReadPacket> expected;
  for (const SeenPacket& packet : packets) {
    if (packet.form != form) continue;
    of_form.push_back(packet);
    expected.push_back(as_read(packet, head.snap_length));
  }
  check(test::read_by_libpcap(file_of(of_form, head)) == expected, "libpcap reads other packets");
}

void check_blocks(const std::vector<SeenPacket>& packets, const capture::CaptureHead& head) {
  const auto blocks = test::blocks_of(file_of(packets, head));
  check(blocks.size() == blocks_before + packets.size() + blocks_after, "another number of blocks");
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const test::PcapngBlock& block = blocks[blocks_before + i];
    const SeenPacket& packet = packets[i];
    const auto number = [&block](std::uint16_t code, std::size_t size) {
      std::uint64_t value = 0;
      const std::string& bytes = block.options.at(code);
      check(bytes.size() == size, "an option has another size");
      std::memcpy(&value, bytes.data(), size);
      return value;
    };
    check(test::native<std::uint32_t>(block.body) == (packet.form == Form::inner ? 0U : 1U),
          "a packet has another interface");
    check(number(5, 8) == packet.id, "a packet has another id");
    check(number(2, 4) == (packet.direction == engine::Direction::out ? 2U : 1U),
          "a packet has another direction");
    const bool dropped = packet.verdict != engine::Verdict::pass;
    check(block.options.contains(1) == dropped, "only a dropped packet has a comment");
    check(!dropped || block.options.at(1) == "drop: " + std::string{engine::name_of(packet.verdict)},
          "a packet has another reason");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::Bytes input{data, size};
  const auto snap_length = wire::fixed<snap_bytes>(input);
  if (!snap_length) return 0;
  const std::vector<SeenPacket> packets = packets_in(input.subspan(snap_bytes));
  const capture::CaptureHead head{.application = "fuzz",
                                  .operating_system = "any",
                                  .interface = "he6",
                                  .filter = "ip6",
                                  .snap_length = wire::load16<0>(*snap_length) + 1U};
  check_by_libpcap(packets, head, Form::inner);
  check_by_libpcap(packets, head, Form::outer);
  check_blocks(packets, head);
  return 0;
}
