// The flows of a running endpoint as `show --flows` prints them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace sixin4::cli {

/// Asks for all pages of the list; `ask` sends a request and returns the answer. Returns the JSON texts of
/// the pages. Throws control::EndpointRefusal if an answer is not a page.
[[nodiscard]] std::vector<std::string> ask_for_flows(
    const std::function<std::string(const std::string& request)>& ask);

/// A JSON list of all flows of these pages.
[[nodiscard]] std::string flows_json(std::span<const std::string> pages);
/// One line for each flow.
[[nodiscard]] std::string flows_text(std::span<const std::string> pages);

}  // namespace sixin4::cli
