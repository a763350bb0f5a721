// Reads an answer that may come from another version of the program, or from another program.
#pragma once

#include <nlohmann/json.hpp>

#include "sixin4/control/control_socket.hpp"

namespace sixin4::control {

/// Returns the result of `read`. Throws EndpointRefusal if the JSON does not have the shape that `read`
/// expects.
template <typename Read>
auto read_answer(const Read& read) {
  try {
    return read();
  } catch (const nlohmann::json::exception&) {
    throw EndpointRefusal("the answer is not that of this version of sixin4; restart the endpoint");
  }
}

}  // namespace sixin4::control
