// When a worker's next step is due: pure arithmetic on a time that the test tells.
#include "common/worker/shift.h"

#include <gtest/gtest.h>

#include "common/base/bytes.h"

namespace strata::worker {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const SteadyTime kStart = SteadyTime() + hours(1000);

Result<Step> step(uint64_t bytes, bool more, Duration wait = hours(1)) {
  return Step{.bytes = bytes, .more = more, .wait = wait};
}
Result<Step> failure() {
  return Error(Code::kIo, "no luck");
}

TEST(TokenBucket, over_any_while_the_bytes_stay_below_the_rate_and_one_burst) {
  TokenBucket bucket(10 * kMiB);
  SteadyTime now = kStart;
  uint64_t taken = 0;
  while (now < kStart + seconds(60)) {
    now = std::max(now, bucket.ready());
    bucket.take(kMiB, now);
    taken += kMiB;
  }
  EXPECT_GE(taken, 600 * kMiB);
  EXPECT_LE(taken, 612 * kMiB);
}

TEST(TokenBucket, time_that_steps_take_is_not_lost) {
  // Steps of 80 ms at a rate that allows one in 100 ms: ten a second, not five.
  TokenBucket bucket(10 * kMiB);
  SteadyTime now = kStart;
  bucket.take(10 * kMiB, now);  // the burst is used up
  uint64_t steps = 0;
  while (now < kStart + seconds(10)) {
    now = std::max(now, bucket.ready()) + milliseconds(80);
    bucket.take(kMiB, now);
    ++steps;
  }
  EXPECT_GE(steps, 95U);
  EXPECT_LE(steps, 110U);
}

TEST(TokenBucket, without_a_rate_nothing_is_owed) {
  TokenBucket bucket(0);
  bucket.take(UINT64_MAX, kStart);
  EXPECT_LE(bucket.ready(), kStart);
}

TEST(TokenBucket, a_debt_is_paid_sooner_at_a_higher_rate_and_is_bounded) {
  TokenBucket bucket(kMiB);
  bucket.take(101 * kMiB, kStart);
  EXPECT_EQ(bucket.ready(), kStart + seconds(100));
  bucket.set_rate(10 * kMiB, kStart);
  EXPECT_EQ(bucket.ready(), kStart + seconds(10));
  bucket.set_rate(0, kStart);
  EXPECT_LE(bucket.ready(), kStart);
  bucket.set_rate(1, kStart);
  bucket.take(UINT64_MAX, kStart);
  EXPECT_EQ(bucket.ready(), kStart + kDebtMax);
}

TEST(Shift, a_pass_goes_on_at_once_and_the_next_one_waits) {
  Shift shift(0, false);
  EXPECT_LE(*shift.due(), kStart);
  EXPECT_EQ(shift.state(), State::kIdle);
  shift.step_begins();
  EXPECT_FALSE(shift.due());
  EXPECT_EQ(shift.state(), State::kRunning);
  shift.step_ended(step(10, true), kStart);
  EXPECT_EQ(*shift.due(), kStart);
  EXPECT_EQ(shift.state(), State::kRunning);
  shift.step_begins();
  shift.step_ended(step(10, false, minutes(7)), kStart);
  EXPECT_EQ(*shift.due(), kStart + minutes(7));
  EXPECT_EQ(shift.state(), State::kIdle);
  EXPECT_EQ(shift.bytes(), 20U);
  shift.wake(kStart + minutes(1));
  EXPECT_EQ(*shift.due(), kStart + minutes(1));
}

TEST(Shift, somebody_who_starts_it_during_its_last_step_is_not_forgotten) {
  Shift shift(0, false);
  shift.step_begins();
  shift.wake(kStart);
  shift.step_ended(step(0, false), kStart + seconds(1));
  EXPECT_EQ(*shift.due(), kStart + seconds(1));
}

TEST(Shift, the_rate_holds_back_what_was_started_by_hand_too) {
  Shift shift(kMiB, false);
  shift.step_begins();
  shift.step_ended(step(11 * kMiB, false), kStart);
  shift.wake(kStart);
  EXPECT_EQ(*shift.due(), kStart + seconds(10));
}

TEST(Shift, failures_back_off_to_a_bound_and_a_success_forgets_them) {
  Shift shift(0, false);
  SteadyTime now = kStart;
  Duration last = Duration::zero();
  for (int i = 0; i < 40; ++i) {
    shift.step_begins();
    shift.step_ended(failure(), now);
    EXPECT_EQ(shift.state(), State::kFailed);
    const Duration wait = *shift.due() - now;
    EXPECT_EQ(wait, std::min<Duration>(i == 0 ? kBackoffFirst : last * 2, kBackoffLast));
    last = wait;
    now = *shift.due();
  }
  EXPECT_EQ(shift.failures(), 40U);
  EXPECT_NE(shift.reason().find("no luck"), std::string::npos);
  shift.wake(now);  // a person need not wait for the backoff
  EXPECT_EQ(*shift.due(), now);
  shift.step_begins();
  shift.step_ended(step(0, false), now);
  EXPECT_EQ(shift.state(), State::kIdle);
  EXPECT_EQ(shift.reason(), "");
}

TEST(Shift, paused_means_that_nothing_is_due) {
  Shift shift(0, true);
  EXPECT_FALSE(shift.due());
  EXPECT_EQ(shift.state(), State::kPaused);
  shift.set_paused(false);
  EXPECT_TRUE(shift.due());
}

TEST(Shift, an_endless_wait_is_cut) {
  Shift shift(0, false);
  shift.step_begins();
  shift.step_ended(step(0, false, Duration::max()), kStart);
  EXPECT_EQ(*shift.due(), kStart + kWaitMax);
}

}  // namespace
}  // namespace strata::worker
