// The limit on the rate of errors (RFC 4443 §2.4 (f)).
#include "sixin4/engine/token_bucket.hpp"

#include <chrono>
#include <cstddef>

#include <gtest/gtest.h>

namespace sixin4::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr Time start{hours{1}};

/// The number of tokens taken at `now`.
std::size_t taken(TokenBucket& bucket, Time now) {
  std::size_t count = 0;
  while (count < 10000 && bucket.take(now)) ++count;
  return count;
}

TEST(TokenBucket, ABurstIsAllowedAndNoMore) {
  TokenBucket bucket(10, 5);
  EXPECT_EQ(taken(bucket, start), 5U);
  EXPECT_FALSE(bucket.take(start));
}

TEST(TokenBucket, TokensComeBackAtTheirRate) {
  TokenBucket bucket(10, 5);
  taken(bucket, start);
  EXPECT_EQ(taken(bucket, start + milliseconds{100}), 1U);
  EXPECT_EQ(taken(bucket, start + milliseconds{400}), 3U);
}

TEST(TokenBucket, ATokenThatIsNotWholeIsNoToken) {
  TokenBucket bucket(10, 5);
  taken(bucket, start);
  EXPECT_FALSE(bucket.take(start + milliseconds{100} - nanoseconds{1}));
  EXPECT_TRUE(bucket.take(start + milliseconds{100}));
}

TEST(TokenBucket, PartsOfATokenAddUpWhileNothingIsAllowed) {
  TokenBucket bucket(10, 1);
  taken(bucket, start);
  std::size_t allowed = 0;
  for (int step = 1; step <= 1000; ++step) allowed += bucket.take(start + milliseconds{step}) ? 1U : 0U;
  EXPECT_EQ(allowed, 10U);
}

TEST(TokenBucket, ALongSilenceFillsItToTheBurstOnly) {
  TokenBucket bucket(10, 5);
  taken(bucket, start);
  EXPECT_EQ(taken(bucket, start + hours{10000}), 5U);
}

TEST(TokenBucket, OverAnyTimeTheRateAndOneBurstBoundIt) {
  TokenBucket bucket(100, 100);
  std::size_t allowed = 0;
  for (int step = 0; step < 10000; ++step) allowed += bucket.take(start + milliseconds{step}) ? 1U : 0U;
  EXPECT_GE(allowed, 999U);
  EXPECT_LE(allowed, 1100U);
}

TEST(TokenBucket, TimeThatGoesBackwardsGivesNothing) {
  TokenBucket bucket(10, 5);
  taken(bucket, start);
  EXPECT_FALSE(bucket.take(start - hours{1}));
}

TEST(TokenBucket, TimeThatIsLivedThroughTwiceCountsOnce) {
  TokenBucket bucket(10, 5);
  taken(bucket, start);
  EXPECT_FALSE(bucket.take(start - hours{1}));
  EXPECT_FALSE(bucket.take(start));
}

}  // namespace
}  // namespace sixin4::engine
