// A filter in tcpdump's language, as the command line gives it.
#pragma once

#include <string>

#include "sixin4/capture/filter.hpp"

namespace sixin4::cli {

/// Throws base::ConfigurationError with what libpcap says of the expression.
[[nodiscard]] capture::Filter filter_option(const std::string& expression);

}  // namespace sixin4::cli
