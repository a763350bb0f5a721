// One tunnel: its device, its place in the host's network, its data path; and what is in force of all that.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sixin4/base/log.hpp"
#include "sixin4/config/configuration.hpp"
#include "sixin4/control/explanation.hpp"
#include "sixin4/control/flow_status.hpp"
#include "sixin4/control/status.hpp"
#include "sixin4/datapath/workers.hpp"
#include "sixin4/io/tun_device.hpp"
#include "sixin4/netlink/host_network.hpp"
#include "sixin4/netlink/netlink.hpp"
#include "sixin4/tunnel/settings.hpp"

#include "keepalive.hpp"

namespace sixin4::tunnel {

/// Runs from its construction to its destruction, which leaves the host as it was. For one thread.
class Tunnel {
 public:
  using Clock = std::chrono::steady_clock;

  /// `remote` is what the configuration's host name stands for, `unwatched` as `choose_wire` has it; `log`
  /// outlives the tunnel. Throws std::system_error where it cannot be set up.
  Tunnel(const config::Configuration& configuration, const wire::Ipv4Address& remote, std::string unwatched,
         base::Log& log);

  [[nodiscard]] const config::Configuration& configuration() const noexcept { return now_.configuration; }
  [[nodiscard]] const io::WireEnds& ends() const noexcept { return now_.underlay.ends; }
  [[nodiscard]] std::uint16_t mtu() const noexcept { return mtu_; }
  [[nodiscard]] control::Status status();
  [[nodiscard]] control::Explanation explain(const control::ExplainQuery& query);
  /// A part of the flows that source rules keep track of.
  [[nodiscard]] control::FlowPage flows(std::uint32_t first) const;
  /// Throws std::system_error where there is no memory for it.
  [[nodiscard]] datapath::LiveCapture capture(std::uint32_t snap_length) {
    return workers_.capture(snap_length);
  }
  /// What the flight recorder has, the oldest first.
  [[nodiscard]] std::vector<capture::Recorded> recorded() const { return workers_.recorded(); }

  /// Puts a configuration for the same interface in force, or throws and leaves the old one.
  void reconfigure(const config::Configuration& fresh, const wire::Ipv4Address& remote);
  /// The host's network has changed: puts back what is the tunnel's, follows the IPv4 path and an MTU that
  /// somebody has set on the link.
  void follow_host();

  /// Something that the choice between raw and packet socket rests on may have changed.
  void follow_wire();

  /// Readable when a worker has reported a path MTU or an offload. `take_reports` makes it unreadable again.
  [[nodiscard]] int reports_fd() noexcept { return workers_.reports().news_fd(); }
  void take_reports();
  /// Readable when an echo has come back; -1 where none is asked for.
  [[nodiscard]] int echo_fd() const noexcept { return keepalive_ ? keepalive_->fd() : -1; }
  void take_echoes();
  /// Readable once somebody has deleted the interface.
  [[nodiscard]] int gone_fd() noexcept { return workers_.reports().gone_fd(); }

  /// The time of the next job of `pass_time`; nullopt: there is none.
  [[nodiscard]] std::optional<Clock::time_point> next_due() const;
  /// Does the jobs that are due.
  void pass_time();

 private:
  /// A job of the control thread that recurs. `due` is when it runs next; nullopt: there is nothing to do.
  struct Job {
    std::optional<Clock::time_point> due;
    void (Tunnel::*run)(Clock::time_point now);
  };
  [[nodiscard]] std::array<Job, 4> jobs() const;
  void forget_path_mtu(Clock::time_point now);
  void look_at_path(Clock::time_point now);
  void expire_flows(Clock::time_point now);
  void ask_far_end(Clock::time_point now);

  void configure_link(int index);
  [[nodiscard]] int tunnel_index(const std::string& interface);
  [[nodiscard]] Settings settings_at_start(const config::Configuration& configuration,
                                           const wire::Ipv4Address& remote);
  [[nodiscard]] Settings settings_now(std::uint32_t on_link) const;
  [[nodiscard]] std::optional<Keepalive> keepalive_for(const config::Configuration& configuration,
                                                       const wire::Ipv4Address& remote) const;
  [[nodiscard]] Underlay underlay_now(const config::Configuration& configuration,
                                      const wire::Ipv4Address& remote);
  [[nodiscard]] engine::PathMtu path_over(const config::Configuration& configuration,
                                          const Underlay& underlay) const;
  [[nodiscard]] std::optional<netlink::Link> own_link();
  [[nodiscard]] std::string moved_away() const;
  [[nodiscard]] std::uint32_t link_mtu();
  [[nodiscard]] bool has_path() const noexcept { return now_.underlay.no_path.empty(); }
  [[nodiscard]] std::pair<control::EndpointState, std::string> state();
  void follow_link();
  void follow_path();
  void fail_closed(const std::string& why) noexcept;
  void keep_host_state();
  void switch_to(const Settings& next);
  void switch_wire(const WireChoice& wire);
  [[nodiscard]] std::string wire_name() const;
  [[nodiscard]] bool looks_again() const noexcept;
  void verify_neighbour();
  [[nodiscard]] io::Features features() const;
  void tell_of_offload();
  template <typename Action>
  void undo(const char* what, Action&& action) noexcept;

  base::Log& log_;
  std::string unwatched_;
  Clock::time_point started_ = Clock::now();
  netlink::Netlink netlink_;
  std::string queues_refused_;  ///< why there is one queue where more were wanted
  std::vector<io::TunDevice> queues_;
  int link_index_;     ///< 0 while the interface is in another network namespace
  Settings now_;       ///< what is in force, but for a path MTU that the next follow puts there
  std::uint16_t mtu_;  ///< in force: of the tunnel, and of its link
  netlink::HostNetwork host_;
  datapath::Workers workers_;
  std::optional<Keepalive> keepalive_;
  std::string failure_;  ///< of the last attempt to follow the path; empty: it succeeded
  Clock::time_point look_at_path_ = started_;  ///< when next to
  std::string offload_told_;                   ///< what is missing, as the log has it
  std::uint64_t sent_before_ = 0;              ///< packets, when that was last done
  Clock::time_point expire_flows_ = started_;  ///< when next to
};

}  // namespace sixin4::tunnel
