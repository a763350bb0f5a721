// What `show --watch` shows: endpoints as they were seen at one look after the other.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sixin4::cli {

using LookTime = std::chrono::steady_clock::time_point;

/// How long a look is of use for the view.
constexpr std::chrono::seconds looks_kept{60};

struct EndpointLook {
  std::string name;       ///< of its interface
  LookTime time;          ///< when it answered
  std::string status{};   ///< what it answered to `show`, as `look_of` takes it; empty: nothing
  std::string silence{};  ///< why it did not, in words; empty: it is not running
};

/// From what an endpoint has answered. An answer that the view cannot show counts as none, with the reason in
/// `silence`.
[[nodiscard]] EndpointLook look_of(std::string name, LookTime time, std::string answer);

struct Look {
  LookTime time;
  std::vector<EndpointLook> endpoints;
};

/// The last of `looks`, with rates since the one before it and means over those of the last 10 and 60
/// seconds. Lines of at most `width` characters. An endpoint that is not in the last look but in an earlier
/// one has ended.
[[nodiscard]] std::string live_view(std::span<const Look> looks, std::size_t width);

/// The first `rows` lines of a text; where there are more the last one says how many.
[[nodiscard]] std::string cut_to_rows(const std::string& text, std::size_t rows);

}  // namespace sixin4::cli
