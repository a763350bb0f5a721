#include "sender_monitors.hpp"

#include <system_error>
#include <utility>

namespace sixin4::tunnel {

SenderMonitors::SenderMonitors() {
  constexpr std::array<std::pair<netlink::Subject, const char*>, count> subjects{
      {{netlink::Subject::neighbours, "neighbours"},
       {netlink::Subject::nftables, "nftables tables"},
       {netlink::Subject::ipsec_policies, "IPsec policies"}}};
  for (std::size_t i = 0; i < count; ++i) {
    try {
      monitors_.at(i).emplace(subjects.at(i).first);
    } catch (const std::system_error& error) {
      unwatched_ = std::string{"changes of "} + subjects.at(i).second + " cannot be watched: " + error.what();
    }
  }
}

}  // namespace sixin4::tunnel
