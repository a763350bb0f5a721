// A worker's mailbox: all mail is taken, and no wake-up is lost, whichever two steps of the worker `put` and
// `stop` come between.
#include "sixin4/datapath/worker_mailbox.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>

namespace sixin4::datapath {
namespace {

/// The worker's side, step by step. An integer replaces the socket.
struct Mail {
  WorkerMailbox<int> box;
  engine::TunnelParameters parameters;
  int socket = 0;
  Watchers watchers{std::make_shared<capture::Recorder>(64U)};

  bool take() { return box.take(parameters, socket, watchers); }
  void put(std::uint16_t mtu, std::optional<int> fresh = std::nullopt) {
    engine::TunnelParameters changed;
    changed.mtu = mtu;
    box.put(changed, fresh);
  }
  /// Whether a poll returns within so many milliseconds.
  [[nodiscard]] bool wakes(int milliseconds = 0) const {
    pollfd polled{.fd = box.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&polled, 1, milliseconds) == 1;
  }
};

TEST(WorkerMailbox, HandsOverMailAndIsReadableUntilItIsTaken) {
  Mail mail;
  EXPECT_FALSE(mail.wakes());
  EXPECT_FALSE(mail.take());
  mail.put(1300);
  mail.put(1400, 7);
  EXPECT_TRUE(mail.wakes());
  EXPECT_TRUE(mail.take()) << "a new socket";
  EXPECT_EQ(mail.parameters.mtu, 1400);
  EXPECT_EQ(mail.socket, 7);
  EXPECT_FALSE(mail.wakes());
  mail.put(1500);
  EXPECT_TRUE(mail.wakes());
  EXPECT_FALSE(mail.take()) << "no new socket";
  EXPECT_EQ(mail.parameters.mtu, 1500);
  EXPECT_EQ(mail.socket, 7);
  EXPECT_FALSE(mail.wakes());
}

TEST(WorkerMailbox, HandsOverRecordersAndTaps) {
  Mail mail;
  const auto recorder = std::make_shared<capture::Recorder>(64U);
  mail.box.put(recorder);
  mail.box.put(std::weak_ptr<capture::LiveTap>{});
  EXPECT_FALSE(mail.take());
  EXPECT_EQ(&mail.watchers.recorder(), recorder.get());
  EXPECT_TRUE(mail.watchers.has_taps());
  EXPECT_FALSE(mail.wakes());
}

// A reload, and a stop right after it: the worker has called `stopped` before the stop and calls `take` after
// it.
TEST(WorkerMailbox, AStopBetweenPutAndTakeStillWakes) {
  Mail mail;
  ASSERT_FALSE(mail.box.stopped());
  mail.put(1300);
  mail.box.stop();
  EXPECT_FALSE(mail.take());
  EXPECT_TRUE(mail.wakes());
  EXPECT_TRUE(mail.box.stopped());
  EXPECT_EQ(mail.parameters.mtu, 1300);
}

TEST(WorkerMailbox, AfterAStopItIsReadableForEver) {
  Mail between;
  between.put(1300);
  EXPECT_FALSE(between.take());
  between.box.stop();
  EXPECT_TRUE(between.wakes());
  between.put(1400);
  EXPECT_FALSE(between.take());
  EXPECT_TRUE(between.wakes()) << "mail after the stop changes nothing";
  Mail alone;
  alone.box.stop();
  EXPECT_FALSE(alone.take());
  EXPECT_TRUE(alone.wakes());
}

// The same with a thread that loops as a worker does, and mail as fast as possible.
TEST(WorkerMailbox, AWorkerThreadAlwaysEnds) {
  for (int round = 0; round < 300; ++round) {
    Mail mail;
    std::atomic<bool> ended = false;
    std::jthread worker{[&] {
      while (!mail.box.stopped()) {
        (void)mail.take();
        if (!mail.wakes(5000)) break;  // a worker would wait for ever
      }
      ended = mail.box.stopped();
    }};
    for (std::uint16_t mtu = 1280; mtu < 1290; ++mtu) mail.put(mtu);
    mail.box.stop();
    const auto before = std::chrono::steady_clock::now();
    worker.join();
    ASSERT_TRUE(ended);
    ASSERT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{4}) << round;
  }
}

}  // namespace
}  // namespace sixin4::datapath
