#include "filter_option.hpp"

#include <stdexcept>

#include "sixin4/control/options.hpp"

namespace sixin4 {

capture::Filter filter_option(const std::string& expression) {
  try {
    return capture::Filter{expression};
  } catch (const std::invalid_argument& error) {
    throw control::ConfigurationError(std::string{"command line: "} + error.what());
  }
}

}  // namespace sixin4
