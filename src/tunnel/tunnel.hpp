// One tunnel: its device, its addresses and routes, its workers, and the settings in force.
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
#include "sender_chooser.hpp"

namespace sixin4::tunnel {

/// The tunnel runs from the construction to the destruction, which restores the host's network. The public
/// methods are for the control thread; the workers are threads of their own.
class Tunnel {
 public:
  using Clock = std::chrono::steady_clock;

  /// `remote` is the address of the configuration's host name, `unwatched` is for the SenderChooser, and
  /// `log` must outlive the tunnel. Throws netlink::NoIpv4Path, base::ConfigurationError, std::system_error
  /// or std::runtime_error if the tunnel cannot be set up; the host is as before then.
  Tunnel(const config::Configuration& configuration, const wire::Ipv4Address& remote, std::string unwatched,
         base::Log& log);

  [[nodiscard]] const config::Configuration& configuration() const noexcept {
    return in_force_.configuration;
  }
  [[nodiscard]] const io::WireEnds& ends() const noexcept { return in_force_.underlay.ends; }
  /// Of the tunnel, in bytes of the inner packet.
  [[nodiscard]] std::uint16_t mtu() const noexcept { return mtu_; }
  [[nodiscard]] control::Status status();
  /// Throws std::system_error if a look-up in the kernel fails.
  [[nodiscard]] control::Explanation explain(const control::ExplainQuery& query);
  /// A page of the flow table, from slot `first` on.
  [[nodiscard]] control::FlowPage flows(std::uint32_t first) const;
  /// As datapath::Workers::capture.
  [[nodiscard]] datapath::LiveCapture capture(std::uint32_t snap_length) {
    return workers_.capture(snap_length);
  }
  /// The packets of the flight recorders, the oldest first.
  [[nodiscard]] std::vector<capture::Recorded> recorded() const { return workers_.recorded(); }

  /// Puts a configuration for the same interface in force as a whole. If that fails it throws, and the former
  /// configuration stays in force. The steps are listed in tunnel.cpp.
  void reconfigure(const config::Configuration& fresh, const wire::Ipv4Address& remote);
  /// Handles a change of the host's network: restores the tunnel's addresses, routes and rules, and follows
  /// the IPv4 path and an MTU that an administrator has set on the link. Failures go to the log.
  void follow_host();

  /// Chooses between raw and packet socket again, after a change of a condition of SenderChooser.
  void follow_sender();

  /// Readable when a worker has reported a path MTU or an offload. `take_reports` makes it unreadable again.
  [[nodiscard]] int reports_fd() noexcept { return workers_.reports().news_fd(); }
  void take_reports();
  /// Readable when an answer to an echo request may have arrived; -1 without `keepalive`.
  [[nodiscard]] int echo_fd() const noexcept { return keepalive_ ? keepalive_->fd() : -1; }
  void take_echoes();
  /// Readable once another program has deleted the interface.
  [[nodiscard]] int gone_fd() noexcept { return workers_.reports().gone_fd(); }

  /// The time of the next job of `pass_time`; nullopt: there is no job.
  [[nodiscard]] std::optional<Clock::time_point> next_due() const;
  /// Does the jobs that are due.
  void pass_time();

 private:
  /// A recurring job of the control thread. `due` is the time of its next run; nullopt: there is nothing to
  /// do.
  struct Job {
    std::optional<Clock::time_point> due{};
    void (Tunnel::*run)(Clock::time_point now) = nullptr;
  };
  [[nodiscard]] std::array<Job, 4> jobs() const;
  void forget_path_mtu(Clock::time_point now);
  void check_path(Clock::time_point now);
  void expire_flows(Clock::time_point now);
  void send_echo_request(Clock::time_point now);

  void configure_link(int index);
  [[nodiscard]] int tunnel_index(const std::string& interface);
  [[nodiscard]] Settings settings_at_start(const config::Configuration& configuration,
                                           const wire::Ipv4Address& remote);
  [[nodiscard]] Settings settings_with_link_mtu(std::uint32_t link_mtu_now) const;
  [[nodiscard]] std::optional<Keepalive> keepalive_for(const config::Configuration& configuration,
                                                       const wire::Ipv4Address& remote) const;
  [[nodiscard]] Underlay current_underlay(const config::Configuration& configuration,
                                          const wire::Ipv4Address& remote);
  [[nodiscard]] engine::PathMtu path_mtu_over(const config::Configuration& configuration,
                                              const Underlay& underlay) const;
  [[nodiscard]] std::optional<netlink::Link> own_link();
  [[nodiscard]] std::string moved_text() const;
  [[nodiscard]] std::uint32_t link_mtu();
  [[nodiscard]] bool has_path() const noexcept { return in_force_.underlay.no_path.empty(); }
  [[nodiscard]] std::pair<control::EndpointState, std::string> state();
  void follow_link();
  void follow_path();
  void fail_closed(const std::string& why) noexcept;
  void keep_host_state();
  void put_in_force(const Settings& next);
  void switch_sender(const SenderChoice& sender);
  [[nodiscard]] std::string sender_name() const;
  [[nodiscard]] bool polls_path() const noexcept;
  void verify_neighbour();
  [[nodiscard]] io::Features features() const;
  void log_missing_services();
  template <typename Action>
  void undo(const char* what, Action&& action) noexcept;

  base::Log& log_;
  Clock::time_point started_ = Clock::now();
  netlink::Netlink netlink_;
  SenderChooser sender_chooser_;
  std::string why_one_queue_;  ///< why only one queue could be opened; empty: all were opened
  std::vector<io::TunDevice> queues_;
  int link_index_;     ///< 0 while the interface is in another network namespace
  Settings in_force_;  ///< `path` changes before the workers get the MTU that follows from it
  std::uint16_t mtu_;  ///< of the tunnel and of its link, as last set
  netlink::HostNetwork host_;
  datapath::Workers workers_;
  std::optional<Keepalive> keepalive_;
  std::string failure_;  ///< reason of the last `fail_closed`; empty: `follow_path` succeeded since
  Clock::time_point next_path_check_ = started_;
  std::string missing_services_;                  ///< as last logged
  std::uint64_t packets_at_neighbour_check_ = 0;  ///< sent before the last `verify_neighbour`
  Clock::time_point next_flow_expiry_ = started_;
};

}  // namespace sixin4::tunnel
