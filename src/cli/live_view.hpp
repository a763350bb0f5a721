// The text of `show --watch`, from a series of looks at the endpoints.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sixin4::cli {

using LookTime = std::chrono::steady_clock::time_point;

/// The view needs looks of this period.
constexpr std::chrono::seconds looks_kept{60};

struct EndpointLook {
  std::string name;       ///< name of its interface
  LookTime time;          ///< of the answer, or of the failure to get one
  std::string status{};   ///< its answer to `show`, checked by `look_of`; empty: no usable answer
  std::string silence{};  ///< without a status: the reason, in words; empty: it is not running
};

/// A look from the answer of an endpoint. For an answer that the view cannot show, `status` is empty and
/// `silence` has the reason.
[[nodiscard]] EndpointLook look_of(std::string name, LookTime time, std::string answer);

struct Look {
  LookTime time;
  std::vector<EndpointLook> endpoints;
};

/// The text for the last look, with rates since the look before it and mean rates of the last 10 and 60
/// seconds. A line has at most `width` characters. An endpoint that only an earlier look has is shown as
/// ended.
[[nodiscard]] std::string live_view(std::span<const Look> looks, std::size_t width);

/// The text in at most `rows` lines. If lines are left out, the last line has their number.
[[nodiscard]] std::string cut_to_rows(const std::string& text, std::size_t rows);

}  // namespace sixin4::cli
