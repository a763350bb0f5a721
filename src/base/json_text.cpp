#include "sixin4/base/json_text.hpp"

#include <vector>

#include <nlohmann/json.hpp>

#include "sixin4/base/printable.hpp"

namespace sixin4::base {

namespace {

using json = nlohmann::ordered_json;

/// Applies `change` to each string in a value, at every depth; not to the names of members.
template <typename Change>
void change_strings(json& root, const Change& change) {
  std::vector<json*> waiting{&root};
  while (!waiting.empty()) {
    json& value = *waiting.back();
    waiting.pop_back();
    if (value.is_string()) {
      auto& text = value.get_ref<std::string&>();
      text = change(text);
    } else if (value.is_structured()) {
      for (json& element : value) waiting.push_back(&element);
    }
  }
}

}  // namespace

std::string to_json_text(json value, int indent) {
  change_strings(value, [](const std::string& text) { return printable(text); });
  return value.dump(indent);
}

json parse_json_text(std::string_view text) {
  json value = json::parse(text);
  change_strings(value, [](const std::string& string) { return from_printable(string); });
  return value;
}

}  // namespace sixin4::base
