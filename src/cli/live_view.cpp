#include "live_view.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/control/read_answer.hpp"

#include "far_end_text.hpp"
#include "rates.hpp"
#include "units.hpp"

namespace sixin4::cli {

namespace {

using json = nlohmann::ordered_json;
using std::chrono::duration;

struct Column {
  const char* title;
  std::chrono::seconds reaches_back;  ///< period of the mean; 0: since the previous look
};
constexpr std::array columns{
    Column{.title = "now", .reaches_back = {}},
    Column{.title = "mean of 10 s", .reaches_back = std::chrono::seconds{10}},
    Column{.title = "mean of 60 s", .reaches_back = looks_kept},
};
constexpr int name_width = 4;
constexpr int packets_width = 11;
constexpr int bits_width = 13;

/// The looks at one endpoint that have a status, in the order of time.
using History = std::vector<const EndpointLook*>;

History history_of(std::span<const Look> looks, const std::string& name) {
  History history;
  for (const Look& look : looks) {
    const auto seen = std::ranges::find(look.endpoints, name, &EndpointLook::name);
    if (seen != look.endpoints.end() && !seen->status.empty()) history.push_back(&*seen);
  }
  return history;
}

/// Rates between the first look inside the period and the last look. Looks at a previous run of the endpoint
/// are skipped.
std::optional<Rates> mean_rates(const History& history, std::chrono::seconds reaches_back) {
  const EndpointLook& current = *history.back();
  for (const EndpointLook* previous : history) {
    // The kernel may wake the process late, so that two looks at a distance of 10 s are a little further
    // apart.
    constexpr std::chrono::milliseconds late{500};
    if (previous == &current || current.time - previous->time > reaches_back + late) continue;
    if (auto rates = rates_of(previous->status, current.status, current.time - previous->time)) return rates;
  }
  return std::nullopt;
}

std::optional<Rates> last_rates(const History& history) {
  if (history.size() < 2) return std::nullopt;
  const EndpointLook& previous = *history[history.size() - 2];
  const EndpointLook& current = *history.back();
  return rates_of(previous.status, current.status, current.time - previous.time);
}

/// A rate below 100 has a decimal, so that a ping every two seconds does not show as 0.
std::string packets_text(double packets) {
  constexpr double million = 1'000'000;
  if (packets >= million) return number_for_people(packets / million, 1) + " Mpps";
  return number_for_people(packets, packets < 100 ? 1 : 0) + " pps";
}

void write_head(std::ostream& text, const json& status) {
  const auto word = [&](const char* name) { return base::printable(status.at(name).get<std::string>()); };
  text << word("interface") << ": " << word("state") << ", " << word("local") << " > " << word("remote")
       << ", runs " << seconds_for_people(status.at("uptime_s").get<double>()) << '\n';
  if (status.contains("reason")) text << "  " << word("reason") << '\n';
  text << "  mtu " << status.at("mtu") << ", path mtu " << status.at("path_mtu") << ", wire " << word("wire")
       << ", flows " << status.at("flows") << '\n';
  text << "  " << far_end_text(status.at("far_end")) << '\n';
}

void write_rates(std::ostream& text, const History& history) {
  std::array<std::optional<Rates>, columns.size()> rates;
  text << "  " << std::setw(name_width) << "";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column& column = columns[i];
    rates[i] =
        column.reaches_back.count() == 0 ? last_rates(history) : mean_rates(history, column.reaches_back);
    text << std::setw(packets_width + bits_width) << column.title;
  }
  for (const auto& [name, direction] : {std::pair{"out", &Rates::out}, std::pair{"in", &Rates::in}}) {
    text << "\n  " << std::left << std::setw(name_width) << name << std::right;
    for (const auto& measured : rates) {
      text << std::setw(packets_width) << (measured ? packets_text(((*measured).*direction).packets) : "-")
           << std::setw(bits_width) << (measured ? bit_rate_for_people(((*measured).*direction).bits) : "-");
    }
  }
  text << '\n';
}

void write_drops(std::ostream& text, const json& drops, const std::optional<Rates>& since_last) {
  constexpr int reason_width = 28;
  constexpr int total_width = 21;
  constexpr int increase_width = 22;
  bool titled = false;
  for (const auto& [name, direction] : {std::pair{"out", &Rates::out}, std::pair{"in", &Rates::in}}) {
    for (const auto& [reason, count] : drops.at(name).items()) {
      if (!std::exchange(titled, true)) {
        text << "  " << std::left << std::setw(name_width + reason_width) << "dropped" << std::right
             << std::setw(total_width) << "total" << std::setw(increase_width) << "since last look" << '\n';
      }
      text << "  " << std::left << std::setw(name_width) << name << std::setw(reason_width)
           << base::printable(reason) << std::right << std::setw(total_width) << count.get<std::uint64_t>();
      const auto& increases = since_last ? ((*since_last).*direction).drops : decltype(Rates{}.out.drops){};
      if (const auto more = increases.find(reason); more != increases.end()) {
        text << std::setw(increase_width) << '+' + std::to_string(more->second);
      }
      text << '\n';
    }
  }
}

void write_silent(std::ostream& text, const EndpointLook& endpoint, const History& history, LookTime now) {
  text << base::printable(endpoint.name) << ": ";
  if (!endpoint.silence.empty()) {
    text << "does not answer: " << base::message_line(endpoint.silence);
  } else {
    text << (history.empty() ? "not running" : "has ended");
  }
  if (!history.empty()) {
    const duration<double> ago = now - history.back()->time;
    text << ", last seen " << seconds_for_people(ago.count()) << " ago";
  }
  text << '\n';
}

/// The endpoints of all looks, sorted by name. An endpoint that the last look does not have has no status.
std::vector<EndpointLook> shown(std::span<const Look> looks) {
  std::vector<EndpointLook> endpoints = looks.back().endpoints;
  for (const Look& look : looks) {
    for (const EndpointLook& endpoint : look.endpoints) {
      if (std::ranges::find(endpoints, endpoint.name, &EndpointLook::name) == endpoints.end()) {
        endpoints.push_back({.name = endpoint.name, .time = looks.back().time});
      }
    }
  }
  std::ranges::sort(endpoints, {}, &EndpointLook::name);
  return endpoints;
}

std::string cut_to_width(const std::string& text, std::size_t width) {
  std::istringstream lines{text};
  std::string cut;
  for (std::string line; std::getline(lines, line);) cut.append(base::beginning(line, width)) += '\n';
  return cut;
}

}  // namespace

EndpointLook look_of(std::string name, LookTime time, std::string answer) {
  EndpointLook look{.name = std::move(name), .time = time, .status = std::move(answer)};
  try {
    // The two calls read every member of the status that a later view reads.
    control::read_answer([&look] {
      (void)rates_of(look.status, look.status, std::chrono::seconds{1});
      (void)live_view(std::array{Look{.time = look.time, .endpoints = {look}}}, 0);
    });
  } catch (const control::EndpointRefusal& refusal) {
    look.status.clear();
    look.silence = refusal.what();
  }
  return look;
}

std::string live_view(std::span<const Look> looks, std::size_t width) {
  std::ostringstream text;
  const std::vector<EndpointLook> endpoints = shown(looks);
  for (const EndpointLook& endpoint : endpoints) {
    if (&endpoint != &endpoints.front()) text << '\n';
    const History history = history_of(looks, endpoint.name);
    if (endpoint.status.empty()) {
      write_silent(text, endpoint, history, looks.back().time);
      continue;
    }
    const json status = base::parse_json_text(endpoint.status);
    write_head(text, status);
    write_rates(text, history);
    write_drops(text, status.at("drops"), last_rates(history));
  }
  if (endpoints.empty()) text << "no endpoint is running\n";
  return cut_to_width(text.str(), width);
}

std::string cut_to_rows(const std::string& text, std::size_t rows) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  if (lines <= rows || rows == 0) return text;
  std::size_t end = 0;
  for (std::size_t kept = 0; kept + 1 < rows; ++kept) end = text.find('\n', end) + 1;
  return text.substr(0, end) + "(" + std::to_string(lines - rows + 1) + " more lines)\n";
}

}  // namespace sixin4::cli
