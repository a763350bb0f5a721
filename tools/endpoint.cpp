#include "endpoint.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"

namespace sixin4 {

namespace {

io::FileDescriptor open_event() {
  io::FileDescriptor fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!fd) throw std::system_error(errno, std::generic_category(), "cannot open an event descriptor");
  return fd;
}

template <std::size_t Count>
void wait_for_any(const std::array<int, Count>& fds) noexcept {
  std::array<pollfd, Count> polled{};
  for (std::size_t i = 0; i < Count; ++i) polled[i] = {.fd = fds[i], .events = POLLIN, .revents = 0};
  (void)::poll(polled.data(), polled.size(), -1);
}

}  // namespace

template <typename Socket>
WorkerMailbox<Socket>::WorkerMailbox() : wake_(open_event()) {}

template <typename Socket>
void WorkerMailbox<Socket>::put(const engine::TunnelParameters& parameters, std::optional<Socket> socket) {
  const std::lock_guard lock{mutex_};
  parameters_ = parameters;
  if (socket) socket_ = std::move(socket);
  filled_.store(true, std::memory_order_relaxed);
  wake();  // under the lock: a wake that came behind `take` would never be read, and wake for ever
}

template <typename Socket>
void WorkerMailbox<Socket>::stop() noexcept {
  stopped_.store(true, std::memory_order_relaxed);
  wake();
}

template <typename Socket>
void WorkerMailbox<Socket>::wake() noexcept {
  (void)::eventfd_write(wake_.get(), 1);
}

template <typename Socket>
bool WorkerMailbox<Socket>::take(engine::TunnelParameters& parameters, Socket& socket) {
  if (!filled_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock{mutex_};
  eventfd_t ignored = 0;
  (void)::eventfd_read(wake_.get(), &ignored);
  filled_.store(false, std::memory_order_relaxed);
  parameters = parameters_;
  if (!socket_) return false;
  socket = std::move(*socket_);
  socket_.reset();
  return true;
}

Endpoint::Endpoint(io::TunDevice& tun, const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                   const std::optional<io::NextHop>& next_hop)
    : tun_(tun), ends_(ends), next_hop_(next_hop), gone_(open_event()), path_mtu_told_(open_event()) {
  io::RawReceiver receiver{ends};
  io::WireSender sender{ends, next_hop};
  outbound_ = std::thread{&Endpoint::run_outbound, this, parameters, std::move(sender)};
  inbound_ = std::thread{&Endpoint::run_inbound, this, parameters, std::move(receiver)};
}

Endpoint::~Endpoint() {
  outbound_mail_.stop();
  inbound_mail_.stop();
  outbound_.join();
  inbound_.join();
}

void Endpoint::reconfigure(const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                           const std::optional<io::NextHop>& next_hop) {
  std::optional<io::RawReceiver> receiver;
  std::optional<io::WireSender> sender;
  if (ends != ends_) receiver.emplace(ends);
  if (ends != ends_ || next_hop != next_hop_) sender.emplace(ends, next_hop);
  ends_ = ends;
  next_hop_ = next_hop;
  outbound_mail_.put(parameters, std::move(sender));
  inbound_mail_.put(parameters, std::move(receiver));
}

void Endpoint::run_outbound(engine::TunnelParameters parameters, io::WireSender sender) {
  const auto pump = std::make_unique<engine::OutboundPump<io::TunDevice, io::WireSender>>(tun_, sender, out_);
  while (!outbound_mail_.stopped()) {
    (void)outbound_mail_.take(parameters, sender);
    const engine::IoStatus status = pump->turn(parameters, std::chrono::steady_clock::now());
    if (status == engine::IoStatus::gone) return report_gone();
    if (status != engine::IoStatus::ok) wait_for_any(std::array{outbound_mail_.fd(), tun_.fd()});
  }
}

void Endpoint::run_inbound(engine::TunnelParameters parameters, io::RawReceiver receiver) {
  const auto pump =
      std::make_unique<engine::InboundPump<io::RawReceiver, io::TunDevice>>(receiver, tun_, in_, last_heard_);
  while (!inbound_mail_.stopped()) {
    // Another far end has not been heard yet.
    if (inbound_mail_.take(parameters, receiver)) last_heard_.set({});
    const engine::IoStatus status = pump->turn(parameters, std::chrono::steady_clock::now());
    if (status == engine::IoStatus::gone) return report_gone();
    if (const auto mtu = pump->take_path_mtu()) {
      report_path_mtu({.local = parameters.local, .remote = parameters.remote, .mtu = *mtu});
    }
    if (status != engine::IoStatus::empty) continue;
    const auto [peer, datagrams, guard, strangers] = receiver.fds();
    wait_for_any(std::array{inbound_mail_.fd(), peer, datagrams, guard, strangers});
  }
}

void Endpoint::report_gone() noexcept {
  (void)::eventfd_write(gone_.get(), 1);
}

void Endpoint::report_path_mtu(const PathMtuReport& report) {
  const std::lock_guard lock{path_mtu_mutex_};
  const bool smaller = !path_mtu_ || path_mtu_->local != report.local || path_mtu_->remote != report.remote ||
                       report.mtu < path_mtu_->mtu;
  if (smaller) path_mtu_ = report;
  (void)::eventfd_write(path_mtu_told_.get(), 1);
}

std::optional<PathMtuReport> Endpoint::take_path_mtu() {
  const std::lock_guard lock{path_mtu_mutex_};
  eventfd_t ignored = 0;
  (void)::eventfd_read(path_mtu_told_.get(), &ignored);
  return std::exchange(path_mtu_, std::nullopt);
}

}  // namespace sixin4
