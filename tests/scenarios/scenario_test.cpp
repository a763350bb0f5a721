// Runs every folder of this directory through the pumps: a configuration file, input packets, output packets
// and counters, compared byte for byte. The expected output was written by another program, see author.py.
#include "scenario.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sixin4/config/configuration.hpp"
#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"
#include "sixin4/replay/offline_control.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::scenario {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// A tun device in memory: reads return the packets of `give`, `take` returns the written ones.
class MemoryTun {
 public:
  void give(const std::vector<Packet>& packets) {
    batch_ = &packets;
    next_ = 0;
  }
  [[nodiscard]] std::vector<Packet> take() { return std::exchange(written_, {}); }

  engine::ReadResult read(wire::MutableBytes buffer) noexcept {
    EXPECT_GE(buffer.size(), engine::tun_read_size);
    if (batch_ == nullptr || next_ == batch_->size()) return {.status = engine::IoStatus::empty};
    const Packet& packet = (*batch_)[next_++];
    // A tun device puts the packet after the virtio-net header.
    const wire::MutableBytes bytes = buffer.subspan(wire::vnet_header_size, packet.bytes.size());
    std::ranges::copy(packet.bytes, bytes.begin());
    return {.status = engine::IoStatus::ok, .packet = {.offload = packet.offload, .bytes = bytes}};
  }
  [[nodiscard]] static bool takes(engine::Offload /*offload*/) noexcept { return true; }
  engine::IoStatus write(const wire::VnetHeader& offload, std::span<const wire::Bytes> parts) noexcept {
    Packet& written = written_.emplace_back();
    written.offload = offload;
    for (const wire::Bytes part : parts) written.bytes.insert(written.bytes.end(), part.begin(), part.end());
    return engine::IoStatus::ok;
  }

 private:
  const std::vector<Packet>* batch_ = nullptr;
  std::size_t next_ = 0;
  std::vector<Packet> written_;
};

/// The IPv4 side in memory.
class MemoryWire {
 public:
  void give(const std::vector<Packet>& packets) {
    datagrams_.clear();
    packets_.clear();
    for (const Packet& packet : packets) datagrams_.push_back(packet.bytes);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      packets_.push_back({.bytes = datagrams_[i], .offload = packets[i].received});
    }
    received_ = false;
  }
  void give_errors(const std::vector<Packet>& errors) { errors_ = errors; }
  [[nodiscard]] bool has_errors() const { return !errors_.empty(); }
  [[nodiscard]] std::vector<Packet> take() { return std::exchange(sent_, {}); }

  engine::ReceiveResult receive() noexcept {
    if (std::exchange(received_, true)) return {.packets = {}, .status = engine::IoStatus::empty};
    return {.packets = packets_, .status = engine::IoStatus::ok};
  }
  std::optional<engine::WireError> next_error() noexcept {
    if (errors_.empty()) return std::nullopt;
    const Packet& next = errors_.front();
    engine::WireError error = next.error;
    error.quoted = next.bytes;
    errors_ = errors_.subspan(1);
    return error;
  }
  [[nodiscard]] static bool finishes_checksums() noexcept { return false; }
  engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept {
    for (const engine::OuterPacket& packet : batch) {
      Packet& sent = sent_.emplace_back();
      sent.bytes.assign(packet.head.begin(), packet.head.end());
      sent.bytes.insert(sent.bytes.end(), packet.body.begin(), packet.body.end());
    }
    return {.sent = batch.size(), .status = engine::IoStatus::ok};
  }

 private:
  std::vector<std::vector<std::uint8_t>> datagrams_;
  std::vector<engine::WirePacket> packets_;
  bool received_ = true;
  std::span<const Packet> errors_;
  std::vector<Packet> sent_;
};

/// The control part of an endpoint. The configuration must have both IPv4 addresses.
replay::OfflineControl control_thread_of(const config::Configuration& configuration, std::uint16_t link_mtu) {
  const auto remote = wire::parse_ipv4_address(configuration.remote);
  if (!configuration.local || !remote) throw std::runtime_error("local and remote must be IPv4 addresses");
  return {configuration, *configuration.local, *remote, link_mtu};
}

std::string describe(const wire::VnetHeader& offload) {
  if (offload == wire::VnetHeader{}) return "none";
  std::ostringstream text;
  if (offload.needs_checksum) text << "csum=" << offload.checksum_start << '+' << offload.checksum_offset;
  if (offload.gso != wire::Gso::none) {
    text << " gso=" << static_cast<int>(offload.gso) << ':' << offload.gso_size
         << (offload.gso_ecn ? ":ecn" : "");
  }
  text << " headers=" << offload.header_length;
  return text.str();
}

std::string hex_row(const std::vector<std::uint8_t>& bytes, std::size_t start) {
  std::ostringstream text;
  text << std::hex << std::setfill('0');
  for (std::size_t at = start; at < std::min(start + 16, bytes.size()); ++at)
    text << (at % 4 == 0 ? " " : "") << std::setw(2) << int{bytes[at]};
  return text.str().empty() ? " (nothing)" : text.str();
}

/// The first rows that differ, with their offsets.
std::string difference(const std::vector<std::uint8_t>& expected, const std::vector<std::uint8_t>& actual) {
  const auto differs = std::ranges::mismatch(expected, actual).in1 - expected.begin();
  std::ostringstream text;
  text << "first difference at offset " << differs << "; " << expected.size() << " bytes expected, "
       << actual.size() << " actual\n";
  int rows = 0;
  for (auto start = static_cast<std::size_t>(differs) & ~std::size_t{15};
       start < std::max(expected.size(), actual.size()) && rows < 6; start += 16) {
    const std::string left = hex_row(expected, start);
    const std::string right = hex_row(actual, start);
    if (left == right) continue;
    text << std::setw(6) << start << " expected" << left << "\n       actual  " << right << '\n';
    ++rows;
  }
  return text.str();
}

void compare(const char* where, const std::string& after, const std::vector<Packet>& expected,
             const std::vector<Packet>& actual) {
  for (std::size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
    if (expected[i].bytes != actual[i].bytes) {
      ADD_FAILURE() << expected[i].place << ": to " << where << ": "
                    << difference(expected[i].bytes, actual[i].bytes);
    }
    if (expected[i].offload != actual[i].offload) {
      ADD_FAILURE() << expected[i].place << ": to " << where << ": offload data\n  expected "
                    << describe(expected[i].offload) << "\n  actual   " << describe(actual[i].offload);
    }
  }
  for (std::size_t i = actual.size(); i < expected.size(); ++i)
    ADD_FAILURE() << expected[i].place << ": never written to " << where;
  for (std::size_t i = expected.size(); i < actual.size(); ++i) {
    ADD_FAILURE() << after << ": " << actual[i].bytes.size() << " bytes written to " << where
                  << " unexpectedly, beginning with" << hex_row(actual[i].bytes, 0)
                  << hex_row(actual[i].bytes, 16) << hex_row(actual[i].bytes, 32);
  }
}

json packets_and_bytes(const engine::DirectionCounters& counters) {
  return {{"packets", counters.packets.value()}, {"bytes", counters.bytes.value()}};
}

json drops(const engine::DirectionCounters& counters) {
  json reasons = json::object();
  for (std::size_t i = 0; i < engine::verdict_count; ++i) {
    const auto verdict = static_cast<engine::Verdict>(i);
    if (const auto count = counters.dropped(verdict); count != 0)
      reasons[std::string{name_of(verdict)}] = count;
  }
  return reasons;
}

json read_counters(const fs::path& folder) {
  std::ifstream stream{folder / "counters.json"};
  return json::parse(stream);
}

std::vector<fs::path> folders() {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{SIXIN4_SCENARIOS, error}) {
    if (entry.is_directory() && !entry.path().filename().string().starts_with('_'))
      found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

class ScenarioTest : public testing::TestWithParam<fs::path> {};

TEST_P(ScenarioTest, SendsWritesAndCountsWhatIsExpected) {
  const fs::path& folder = GetParam();
  const std::array<std::string, 2> arguments{"-c", (folder / "endpoint.conf").string()};
  const Scenario scenario = read_scenario(folder / "packets");
  replay::OfflineControl control_thread =
      control_thread_of(config::load_configuration(arguments), scenario.link_mtu);

  MemoryTun tun;
  MemoryWire ipv4;
  engine::DirectionCounters out;
  engine::DirectionCounters in;
  engine::LastTime last_heard;
  const auto outbound = std::make_unique<engine::OutboundPump<MemoryTun, MemoryWire>>(tun, ipv4, out);
  engine::InboundPump<MemoryWire, MemoryTun> inbound{ipv4, tun, in, last_heard};

  engine::Time now{std::chrono::hours{1}};
  for (const Step& step : scenario.steps) {
    now += step.before;
    control_thread.pass_time(now);
    if (step.side == Side::tun) {
      tun.give(step.batch);
      while (outbound->turn(control_thread.parameters(), now) == engine::IoStatus::ok) continue;
    } else {
      if (step.side == Side::wire) ipv4.give(step.batch);
      if (step.side == Side::icmp) ipv4.give_errors(step.batch);
      while (inbound.turn(control_thread.parameters(), now) == engine::IoStatus::ok || ipv4.has_errors()) {
      }
      control_thread.take_path_mtu(inbound.take_path_mtu(), now);
    }
    const std::string& first = step.batch.front().place;
    const std::string& last = step.batch.back().place;
    const std::string after = first == last ? first : first + " to " + last.substr(last.rfind(':') + 1);
    compare("wire", after, step.to_wire, ipv4.take());
    compare("tun", after, step.to_tun, tun.take());
  }

  const json expected = read_counters(folder);
  const json actual{{"out", packets_and_bytes(out)},
                    {"in", packets_and_bytes(in)},
                    {"drops", {{"out", drops(out)}, {"in", drops(in)}}}};
  EXPECT_EQ(expected, actual) << json::diff(expected, actual).dump(2);
}

INSTANTIATE_TEST_SUITE_P(Folders, ScenarioTest, testing::ValuesIn(folders()),
                         [](const testing::TestParamInfo<fs::path>& test) {
                           std::string name = test.param.filename().string();
                           std::ranges::replace_if(
                               name,
                               [](char c) {
                                 return !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
                                        !(c >= '0' && c <= '9');
                               },
                               '_');
                           return name;
                         });

/// Every drop reason needs a scenario, except those of a failing device or of a missing packet socket.
TEST(Scenarios, MeetEveryReasonToDrop) {
  using engine::Verdict;
  std::set<std::string> reasons;
  for (std::size_t i = 0; i < engine::verdict_count; ++i) reasons.emplace(name_of(static_cast<Verdict>(i)));
  for (const Verdict verdict :
       {Verdict::pass, Verdict::inner_joined, Verdict::wire_full, Verdict::wire_error, Verdict::wire_overflow,
        Verdict::tun_full, Verdict::tun_down, Verdict::tun_error})
    reasons.erase(std::string{name_of(verdict)});

  std::set<std::string> covered;
  for (const fs::path& folder : folders()) {
    const json counters = read_counters(folder);
    for (const char* direction : {"out", "in"}) {
      for (const auto& [reason, count] : counters.at("drops").at(direction).items()) covered.insert(reason);
    }
  }
  EXPECT_EQ(reasons, covered);
}

}  // namespace

}  // namespace sixin4::scenario
