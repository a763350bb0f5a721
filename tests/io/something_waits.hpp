// Whether a receiver has packets or errors, as its worker finds out.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/io/raw_socket.hpp"

namespace sixin4::io::testing {

/// Whether `wait` returns without being woken.
[[nodiscard]] inline bool something_waits(RawReceiver& receiver) {
  const base::FileDescriptor alarm{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
  const itimerspec soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 200'000'000}};
  EXPECT_EQ(::timerfd_settime(alarm.get(), 0, &soon, nullptr), 0);
  receiver.wait(alarm.get());
  pollfd rung{.fd = alarm.get(), .events = POLLIN, .revents = 0};
  return ::poll(&rung, 1, 0) == 0;
}

}  // namespace sixin4::io::testing
