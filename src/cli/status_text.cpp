#include "status_text.hpp"

#include <cstdint>
#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/control/read_answer.hpp"

#include "far_end_text.hpp"
#include "units.hpp"

namespace sixin4::cli {

namespace {

using json = nlohmann::ordered_json;

json list_of(std::span<const std::string> statuses) {
  return control::read_answer([&] {
    json list = json::array();
    for (const std::string& status : statuses) list.push_back(base::parse_json_text(status));
    return list;
  });
}

/// Missing offloads with their reasons.
void write_missing(std::ostream& text, const json& missing) {
  const char* separator = "  without ";
  for (const auto& [name, reason] : missing.items()) {
    text << separator << base::printable(name) << " (" << base::printable(reason.get<std::string>()) << ')';
    separator = ", ";
  }
  text << '\n';
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

std::string show_json(std::span<const std::string> statuses, int indent) {
  return base::to_json_text(list_of(statuses), indent) + "\n";
}

std::string show_text(std::span<const std::string> statuses) {
  return control::read_answer([&] {
    std::ostringstream text;
    for (const json& object : list_of(statuses)) {
      const auto word = [&](const char* name) { return base::printable(object.at(name).get<std::string>()); };
      const std::string reason = object.contains("reason") ? " (" + word("reason") + ")" : "";
      text << word("interface") << ": " << word("state") << reason << ", " << word("local") << " > "
           << word("remote") << ", mtu " << object.at("mtu") << ", path mtu " << object.at("path_mtu")
           << ", wire " << word("wire") << " (" << word("wire_reason") << ")\n";
      text << "  running for " << seconds_for_people(object.at("uptime_s").get<double>()) << ", "
           << far_end_text(object.at("far_end")) << '\n';
      // An endpoint of an older version has no `offload`.
      const auto offload = object.find("offload");
      if (offload != object.end() && !offload->at("missing").empty()) {
        write_missing(text, offload->at("missing"));
      }
      write_direction(text, "out", object.at("out"), object.at("drops").at("out"));
      write_direction(text, "in", object.at("in"), object.at("drops").at("in"));
    }
    return text.str();
  });
}

}  // namespace sixin4::cli
