// Levels and rate limit of log lines.
#include "sixin4/base/log.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace sixin4::base::testing {
namespace {

std::string written(const std::function<void()>& action) {
  ::testing::internal::CaptureStderr();
  action();
  return ::testing::internal::GetCapturedStderr();
}

std::string all_levels(Log& log) {
  return written([&] {
    log.write(LogLevel::error, "e", "one");
    log.write(LogLevel::warn, "w", "two");
    log.write(LogLevel::info, "i", "three");
    log.write(LogLevel::debug, "d", "four");
  });
}

TEST(LogTest, ALevelIncludesTheGraverOnes) {
  Log log{LogLevel::error};
  EXPECT_EQ(all_levels(log), "error: one\n");
  log.set_level(LogLevel::warn);
  EXPECT_EQ(all_levels(log), "error: one\nwarning: two\n");
  log.set_level(LogLevel::info);
  EXPECT_EQ(all_levels(log), "error: one\nwarning: two\nthree\n");
  log.set_level(LogLevel::debug);
  EXPECT_EQ(all_levels(log), "error: one\nwarning: two\nthree\ndebug: four\n");
}

TEST(LogTest, EachKindHasALimitOfItsOwn) {
  Log log{LogLevel::info};
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += "again " + std::to_string(i) + "\n";
  EXPECT_EQ(written([&] {
              for (int i = 0; i < 50; ++i) log.write(LogLevel::info, "again", "again " + std::to_string(i));
            }),
            ten);
  EXPECT_EQ(written([&] { log.write(LogLevel::error, "again", "again"); }), "") << "at every level";
  EXPECT_EQ(written([&] { log.write(LogLevel::info, "other", "again"); }), "again\n");
}

TEST(LogTest, WhatTheLevelHidesDoesNotCount) {
  Log log{LogLevel::info};
  EXPECT_EQ(written([&] {
              for (int i = 0; i < 50; ++i) log.write(LogLevel::debug, "kind", "hidden");
              log.write(LogLevel::info, "kind", "seen");
            }),
            "seen\n");
}

TEST(LogTest, TheNextLineCountsWhatWasHeldBack) {
  Log log{LogLevel::info};
  static_cast<void>(written([&] {
    for (int i = 0; i < 17; ++i) log.write(LogLevel::info, "kind", "line");
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds{10'100});
  EXPECT_EQ(written([&] {
              log.write(LogLevel::warn, "kind", "line");
              log.write(LogLevel::info, "kind", "line");
              log.write(LogLevel::info, "other", "line");
            }),
            "warning: line (7 similar lines were suppressed)\nline\nline\n");
}

}  // namespace
}  // namespace sixin4::base::testing
