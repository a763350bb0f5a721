// A filter of the command line, in the language of tcpdump.
#pragma once

#include <string>

#include "sixin4/capture/filter.hpp"

namespace sixin4::cli {

/// Throws base::ConfigurationError with the message of libpcap.
[[nodiscard]] capture::Filter filter_option(const std::string& expression);

}  // namespace sixin4::cli
