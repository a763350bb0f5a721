// The verb `bench`: what this host makes of a tunnel, measured with both of its ends in network namespaces.
#pragma once

#include <string>
#include <vector>

namespace sixin4::testbed {

/// `arguments` are those behind the verb. Prints the results. Throws ConfigurationError; std::runtime_error
/// where nothing could be measured, or where what arrived was not what was sent.
void run_bench(const std::vector<std::string>& arguments);

}  // namespace sixin4::testbed
