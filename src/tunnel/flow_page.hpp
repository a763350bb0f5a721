// The flow table for `show --flows`.
#pragma once

#include <cstdint>

#include "sixin4/control/flow_status.hpp"
#include "sixin4/engine/flow_table.hpp"
#include "sixin4/engine/time.hpp"

namespace sixin4::tunnel {

/// The flows in 2048 slots from slot `first` on. They fit into one answer of the control socket.
[[nodiscard]] control::FlowPage flow_page(const engine::FlowTable& table, std::uint32_t first,
                                          engine::Time now);

}  // namespace sixin4::tunnel
