// The verb `explain`: the fate of a packet that a program on this host would send.
#pragma once

#include "sixin4/control/explanation.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/netlink/netlink.hpp"
#include "sixin4/tunnel/settings.hpp"

namespace sixin4::tunnel {

/// Sends nothing and begins no flow. `link_index` is the tunnel's own link. Throws std::system_error if a
/// look-up in the kernel fails.
[[nodiscard]] control::Explanation explain(const control::ExplainQuery& query, const Settings& settings,
                                           int link_index, netlink::Netlink& netlink, engine::Time now);

}  // namespace sixin4::tunnel
