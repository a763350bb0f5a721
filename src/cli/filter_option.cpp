#include "filter_option.hpp"

#include <stdexcept>

#include "sixin4/base/options.hpp"

namespace sixin4::cli {

capture::Filter filter_option(const std::string& expression) {
  try {
    return capture::Filter{expression};
  } catch (const std::invalid_argument& error) {
    throw base::ConfigurationError(std::string{"command line: "} + error.what());
  }
}

}  // namespace sixin4::cli
