#include "log_text.hpp"

#include <sstream>

namespace sixin4::tunnel {

std::string counters_line(const control::Status& status) {
  std::ostringstream line;
  line << status.interface << ": out " << status.out.packets << " packets " << status.out.bytes
       << " bytes, in " << status.in.packets << " packets " << status.in.bytes << " bytes";
  for (const auto* direction : {&status.out, &status.in}) {
    for (const auto& [reason, count] : direction->drops) line << ", " << reason << ' ' << count;
  }
  return line.str();
}

std::string missing_services(const std::map<std::string, std::string>& offload) {
  std::string text;
  for (const auto& [name, reason] : offload) {
    if (reason.empty()) continue;
    if (!text.empty()) text += ", ";
    text.append(name).append(" (").append(reason).append(")");
  }
  return text;
}

}  // namespace sixin4::tunnel
