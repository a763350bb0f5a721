// The verb `bench`: measures tunnels with both ends on this host, in two network namespaces.
#pragma once

#include <string>
#include <vector>

namespace sixin4::testbed {

/// `arguments` are the words after the verb. Prints progress on standard error and the results on standard
/// output. Throws base::ConfigurationError for a wrong argument, std::runtime_error if nothing could be
/// measured or if a tunnel changed its traffic.
void run_bench(const std::vector<std::string>& arguments);

}  // namespace sixin4::testbed
