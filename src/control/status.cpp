#include "sixin4/control/status.hpp"

#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

#include "sixin4/base/printable.hpp"
#include "sixin4/base/json_text.hpp"

#include "far_end_text.hpp"
#include "for_people.hpp"
#include "read_answer.hpp"

namespace sixin4::control {

namespace {

using json = nlohmann::ordered_json;

json to_json(const DirectionStatus& direction) {
  return {{"packets", direction.packets}, {"bytes", direction.bytes}, {"icmp_errors", direction.icmp_errors}};
}

const char* name_of(EndpointState state) {
  switch (state) {
    case EndpointState::up:
      return "up";
    case EndpointState::down:
      return "down";
    case EndpointState::no_path:
      return "no-path";
    case EndpointState::moved:
      return "moved";
  }
  return "";
}

json list_of(std::span<const std::string> statuses) {
  return read_answer([&] {
    json list = json::array();
    for (const std::string& status : statuses) list.push_back(base::parse_json_text(status));
    return list;
  });
}

json offload_to_json(const std::map<std::string, std::string>& offload) {
  json in_force = json::array();
  json missing = json::object();
  for (const auto& [name, reason] : offload) {
    if (reason.empty()) {
      in_force.push_back(name);
    } else {
      missing[name] = reason;
    }
  }
  return {{"in_force", std::move(in_force)}, {"missing", std::move(missing)}};
}

void write_direction(std::ostream& text, const char* name, const json& direction, const json& drops) {
  text << "  " << std::left << std::setw(4) << name << std::right << std::setw(12)
       << direction.at("packets").get<std::uint64_t>() << " packets " << std::setw(9)
       << bytes_for_people(direction.at("bytes").get<double>());
  if (const auto errors = direction.at("icmp_errors").get<std::uint64_t>(); errors != 0) {
    text << ", ICMPv6 errors sent: " << errors;
  }
  const char* separator = ", dropped: ";
  for (const auto& [reason, count] : drops.items()) {
    text << separator << base::printable(reason) << ' ' << count;
    separator = ", ";
  }
  text << '\n';
}

}  // namespace

std::string to_json(const Status& status) {
  const auto or_null = [](const std::optional<double>& value) {
    return value ? json(*value) : json(nullptr);
  };
  json object{
      {"interface", status.interface},
      {"local", status.local},
      {"remote", status.remote},
      {"state", name_of(status.state)},
      {"mtu", status.mtu},
      {"path_mtu", status.path_mtu},
      {"wire", status.wire},
      {"wire_reason", status.wire_reason},
      {"offload", offload_to_json(status.offload)},
      {"uptime_s", status.uptime_s},
      {"out", to_json(status.out)},
      {"in", to_json(status.in)},
      {"drops", {{"out", json(status.out.drops)}, {"in", json(status.in.drops)}}},
      {"far_end",
       {{"rtt_ms", or_null(status.rtt_ms)},
        {"loss", or_null(status.loss)},
        {"last_heard_s", or_null(status.last_heard_s)}}},
      {"flows", status.flows},
  };
  if (!status.reason.empty()) object["reason"] = status.reason;
  return base::to_json_text(object);
}

std::string missing_offload(const std::map<std::string, std::string>& offload) {
  std::string text;
  for (const auto& [name, reason] : offload) {
    if (reason.empty()) continue;
    if (!text.empty()) text += ", ";
    text.append(name).append(" (").append(reason).append(")");
  }
  return text;
}

std::string to_line(const Status& status) {
  std::ostringstream line;
  line << status.interface << ": out " << status.out.packets << " packets " << status.out.bytes
       << " bytes, in " << status.in.packets << " packets " << status.in.bytes << " bytes";
  for (const auto* direction : {&status.out, &status.in}) {
    for (const auto& [reason, count] : direction->drops) line << ", " << reason << ' ' << count;
  }
  return line.str();
}

std::string show_json(std::span<const std::string> statuses) {
  return base::to_json_text(list_of(statuses), 2) + "\n";
}

std::string show_json_line(std::span<const std::string> statuses) {
  return base::to_json_text(list_of(statuses)) + "\n";
}

std::string show_text(std::span<const std::string> statuses) {
  return read_answer([&] {
    std::ostringstream text;
    for (const json& object : list_of(statuses)) {
      const auto word = [&](const char* name) { return base::printable(object.at(name).get<std::string>()); };
      const std::string reason = object.contains("reason") ? " (" + word("reason") + ")" : "";
      text << word("interface") << ": " << word("state") << reason << ", " << word("local") << " > "
           << word("remote") << ", mtu " << object.at("mtu") << ", path mtu " << object.at("path_mtu")
           << ", wire " << word("wire") << " (" << word("wire_reason") << ")\n";
      text << "  running for " << seconds_for_people(object.at("uptime_s").get<double>()) << ", "
           << far_end_text(object.at("far_end")) << '\n';
      // An endpoint that was started by an older program says nothing of it.
      const auto offload = object.find("offload");
      if (offload != object.end() && !offload->at("missing").empty()) {
        const auto missing = offload->at("missing").get<std::map<std::string, std::string>>();
        text << "  without " << base::printable(missing_offload(missing)) << '\n';
      }
      write_direction(text, "out", object.at("out"), object.at("drops").at("out"));
      write_direction(text, "in", object.at("in"), object.at("drops").at("in"));
    }
    return text.str();
  });
}

}  // namespace sixin4::control
