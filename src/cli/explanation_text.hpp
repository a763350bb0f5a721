// The arguments of `explain`, and its answer as text.
#pragma once

#include <string>

#include "sixin4/base/options.hpp"
#include "sixin4/control/explanation.hpp"

namespace sixin4::cli {

/// Reads DESTINATION and the options `from`, `proto` and `port`. Throws base::ConfigurationError.
[[nodiscard]] control::ExplainQuery parse_explain_query(const std::string& destination,
                                                        const base::Arguments& arguments);

/// `answer` is the JSON object of a control::Explanation. Throws control::EndpointRefusal if it is not.
[[nodiscard]] std::string explanation_text(const std::string& answer);
[[nodiscard]] std::string explanation_json(const std::string& answer);

}  // namespace sixin4::cli
