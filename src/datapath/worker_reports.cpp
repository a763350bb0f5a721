#include "sixin4/datapath/worker_reports.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::datapath {

base::FileDescriptor open_event() {
  base::FileDescriptor fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!fd) throw base::system_failure("cannot open an event descriptor");
  return fd;
}

WorkerReports::WorkerReports() : gone_(open_event()), news_(open_event()) {}

void WorkerReports::report_gone() noexcept {
  (void)::eventfd_write(gone_.get(), 1);
}

void WorkerReports::report_path_mtu(const PathMtuReport& report) {
  const std::lock_guard lock{mutex_};
  const bool replaces = !path_mtu_ || path_mtu_->local != report.local ||
                        path_mtu_->remote != report.remote || report.mtu < path_mtu_->mtu;
  if (replaces) path_mtu_ = report;
  (void)::eventfd_write(news_.get(), 1);
}

void WorkerReports::report_offload() noexcept {
  (void)::eventfd_write(news_.get(), 1);
}

std::optional<PathMtuReport> WorkerReports::take_path_mtu() {
  const std::lock_guard lock{mutex_};
  eventfd_t ignored = 0;
  (void)::eventfd_read(news_.get(), &ignored);
  return std::exchange(path_mtu_, std::nullopt);
}

}  // namespace sixin4::datapath
