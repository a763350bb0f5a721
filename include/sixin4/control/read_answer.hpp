// Reads what an endpoint has answered, which may be another program or another version of this one.
#pragma once

#include <nlohmann/json.hpp>

#include "sixin4/control/control_socket.hpp"

namespace sixin4::control {

/// The result of `read`. An answer of another shape is a refusal.
template <typename Read>
auto read_answer(const Read& read) {
  try {
    return read();
  } catch (const nlohmann::json::exception&) {
    throw EndpointRefusal("the answer is not one that this version of sixin4 knows: restart the endpoint");
  }
}

}  // namespace sixin4::control
