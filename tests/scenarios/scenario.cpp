#include "scenario.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace sixin4::scenario {

namespace {

using Words = std::vector<std::string>;

struct Statement {
  std::string place;
  Words words;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

/// The statements with their continuation lines, without comments.
std::vector<Statement> read_statements(const std::filesystem::path& file) {
  std::ifstream stream{file};
  if (!stream) fail(file.string() + ": cannot be read");
  std::vector<Statement> statements;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    line.resize(std::min(line.size(), line.find('#')));
    const bool continued = line.starts_with(' ') || line.starts_with('\t');
    std::istringstream parts{line};
    Words words;
    for (std::string word; parts >> word;) words.push_back(word);
    if (words.empty()) continue;
    const std::string place = file.string() + ":" + std::to_string(number);
    if (!continued) {
      statements.push_back({.place = place, .words = std::move(words)});
    } else if (statements.empty()) {
      fail(place + ": continues a statement, but there is none");
    } else {
      auto& previous = statements.back().words;
      previous.insert(previous.end(), words.begin(), words.end());
    }
  }
  return statements;
}

template <typename Number>
Number number_of(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size())
    fail("'" + std::string{text} + "' is not a number, or too large");
  return number;
}

/// The text before and after the first `separator`.
std::pair<std::string_view, std::string_view> split(std::string_view text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) fail("'" + std::string{text} + "' lacks a '" + separator + "'");
  return {text.substr(0, at), text.substr(at + 1)};
}

void append_hex(std::vector<std::uint8_t>& bytes, std::string_view digits) {
  if (digits.size() % 2 != 0) fail("'" + std::string{digits} + "' has half a byte");
  for (; !digits.empty(); digits.remove_prefix(2))
    bytes.push_back(number_of<std::uint8_t>(digits.substr(0, 2), 16));
}

void append_word(std::vector<std::uint8_t>& bytes, std::string_view word) {
  while (!word.empty()) {
    if (!word.starts_with('{')) {
      const auto end = std::min(word.size(), word.find('{'));
      append_hex(bytes, word.substr(0, end));
      word.remove_prefix(end);
      continue;
    }
    const auto [repetition, rest] = split(word.substr(1), '}');
    const auto [digits, count] = split(repetition, '*');
    for (auto remaining = number_of<std::size_t>(count); remaining != 0; --remaining)
      append_hex(bytes, digits);
    word = rest;
  }
}

void read_gso(wire::VnetHeader& offload, std::string_view text) {
  constexpr std::array<std::pair<std::string_view, wire::Gso>, 4> kinds{
      {{"tcp4", wire::Gso::tcp4},
       {"tcp6", wire::Gso::tcp6},
       {"udp", wire::Gso::udp},
       {"udp-fragments", wire::Gso::udp_fragments}}};
  const auto [name, rest] = split(text, ':');
  for (const auto& [kind_name, kind] : kinds) {
    if (name == kind_name) offload.gso = kind;
  }
  if (offload.gso == wire::Gso::none) fail("'" + std::string{name} + "' is not a kind of super-packet");
  offload.gso_ecn = rest.ends_with(":ecn");
  offload.gso_size = number_of<std::uint16_t>(rest.substr(0, rest.find(':')));
}

/// The packet in the words of a statement from `next` on, and how often it is repeated.
std::pair<Packet, std::size_t> read_packet(const Statement& statement, std::size_t next) {
  Packet packet{.place = statement.place, .offload = {}, .received = {}, .bytes = {}, .error = {}};
  std::size_t times = 1;
  const Words& words = statement.words;
  for (; next < words.size() && words[next].find('=') != std::string::npos; ++next) {
    const auto [option, value] = split(words[next], '=');
    if (option == "csum") {
      const auto [start, rest] = split(value, '+');
      const std::string_view offset = rest.substr(0, rest.find(':'));
      packet.offload.needs_checksum = !rest.ends_with(":finished");
      packet.offload.checksum_start = number_of<std::uint16_t>(start);
      packet.offload.checksum_offset = number_of<std::uint16_t>(offset);
    } else if (option == "gso") {
      read_gso(packet.offload, value);
    } else if (option == "headers") {
      packet.offload.header_length = number_of<std::uint16_t>(value);
    } else if (option == "packet-socket") {
      packet.received = {.from_packet_socket = true, .gso_size = number_of<std::uint16_t>(value)};
    } else if (option == "times") {
      times = number_of<std::size_t>(value);
    } else {
      fail("'" + words[next] + "' is unknown");
    }
  }
  if (next == words.size()) fail("a packet without bytes is written '-'");
  if (words[next] == "-" && next + 1 == words.size()) return {std::move(packet), times};
  for (; next < words.size(); ++next) append_word(packet.bytes, words[next]);
  return {std::move(packet), times};
}

/// Reads the words `TYPE CODE [mtu=BYTES]` after `icmp`. Returns the error and the index of the next word.
std::pair<engine::WireError, std::size_t> read_error(const Words& words) {
  if (words.size() < 4) fail("an ICMP error needs a type, a code and a quoted packet");
  engine::WireError error{.type = number_of<std::uint8_t>(words[1]),
                          .code = number_of<std::uint8_t>(words[2])};
  if (!words[3].starts_with("mtu=")) return {error, 3};
  error.mtu = number_of<std::uint16_t>(split(words[3], '=').second);
  return {error, 4};
}

std::chrono::milliseconds duration_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::chrono::milliseconds>, 3> units{
      {{"ms", std::chrono::milliseconds{1}},
       {"min", std::chrono::minutes{1}},
       {"s", std::chrono::seconds{1}}}};
  for (const auto& [name, unit] : units) {
    if (text.ends_with(name)) {
      return unit * number_of<std::int64_t>(text.substr(0, text.size() - name.size()));
    }
  }
  fail("'" + std::string{text} + "' is not a time in min, s or ms");
}

Side side_of(const std::string& word) {
  if (word == "tun") return Side::tun;
  if (word == "wire") return Side::wire;
  fail("'" + word + "' is not a statement");
}

class Reader {
 public:
  void read(const Statement& statement) {
    const Words& words = statement.words;
    const auto word = [&](std::size_t index) {
      if (index >= words.size()) fail("the line ends early");
      return words[index];
    };
    if (words[0] == "link-mtu") {
      if (!scenario_.steps.empty()) fail("link-mtu stands before all packets");
      scenario_.link_mtu = number_of<std::uint16_t>(word(1));
    } else if (words[0] == "wait") {
      for (std::size_t index = 1; index < std::max<std::size_t>(2, words.size()); ++index) {
        wait_ += duration_of(word(index));
      }
    } else if (words[0] == ">") {
      if (scenario_.steps.empty()) fail("there is no input before this output");
      Step& step = scenario_.steps.back();
      add(side_of(word(1)) == Side::tun ? step.to_tun : step.to_wire, read_packet(statement, 2));
    } else if (words[0] == "icmp") {
      const auto [error, next] = read_error(words);
      auto quoted = read_packet(statement, next);
      quoted.first.error = error;
      add(step_for(Side::icmp).batch, quoted);
    } else {
      add(step_for(side_of(words[0])).batch, read_packet(statement, 1));
    }
  }

  [[nodiscard]] Scenario take() {
    if (scenario_.steps.empty()) fail("no packets");
    return std::move(scenario_);
  }

 private:
  static void add(std::vector<Packet>& packets, const std::pair<Packet, std::size_t>& read) {
    packets.insert(packets.end(), read.second, read.first);
  }

  /// The step of the next packet from `side`: the last step if the packet continues its batch, else a new
  /// one.
  Step& step_for(Side side) {
    auto& steps = scenario_.steps;
    const bool together = !steps.empty() && steps.back().side == side && steps.back().to_wire.empty() &&
                          steps.back().to_tun.empty() && wait_ == wait_.zero();
    if (!together) {
      steps.push_back({.before = wait_, .side = side, .batch = {}, .to_wire = {}, .to_tun = {}});
      wait_ = wait_.zero();
    }
    return steps.back();
  }

  Scenario scenario_;
  std::chrono::milliseconds wait_{};
};

}  // namespace

Scenario read_scenario(const std::filesystem::path& file) {
  Reader reader;
  for (const Statement& statement : read_statements(file)) {
    try {
      reader.read(statement);
    } catch (const std::runtime_error& error) {
      fail(statement.place + ": " + error.what());
    }
  }
  return reader.take();
}

}  // namespace sixin4::scenario
