#include "sixin4/control/status.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"

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

}  // namespace sixin4::control
