// Warnings about a host or a configuration that will surprise its administrator.
#pragma once

#include "sixin4/base/log.hpp"
#include "sixin4/config/configuration.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::tunnel {

/// Logs a warning for each of: a kernel module that answers the far end's packets with ICMP errors, a sysctl
/// that hides path MTUs, an egress filter that lets only link-local sources pass. `remote` is the far end.
void warn_of_surprises(const config::Configuration& configuration, const wire::Ipv4Address& remote,
                       base::Log& log);

}  // namespace sixin4::tunnel
