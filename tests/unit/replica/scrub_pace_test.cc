// When the scrub runs, how fast, and where it goes on after a restart.
#include "common/worker/shift.h"
#include "tests/unit/replica/scrub_fixture.h"

namespace strata::replica {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using tests::random_text;

class ScrubPace : public ScrubTest {
 protected:
  // Enough for many steps.
  void fill(size_t blobs) {
    for (size_t i = 0; i < blobs; ++i) {
      ASSERT_TRUE(fixture_.put_blob("b" + std::to_string(i), random_text(i, 500'000)).ok());
    }
  }
  // Runs the scrub for so long, as a crew would with that rate, and gives the bytes read.
  uint64_t run_for(Duration time, uint64_t rate) {
    worker::Shift shift(rate, false);
    const SteadyTime end = clock_.steady_now() + time;
    while (*shift.due() < end) {
      const Duration wait = *shift.due() - clock_.steady_now();
      if (wait > Duration::zero()) {
        clock_.advance(std::chrono::ceil<std::chrono::milliseconds>(wait));
      }
      shift.step_ended(scrub().step(), clock_.steady_now());
      fixture_.store().settle();
    }
    return shift.bytes();
  }
};

TEST_F(ScrubPace, a_pass_that_is_asked_for_keeps_the_rate) {
  fill(20);  // 30 MB in all
  scrub().begin();
  const uint64_t bytes = run_for(seconds(20), kMiB);
  EXPECT_LE(bytes, 22 * kMiB);
  EXPECT_GE(bytes, 17 * kMiB);
  EXPECT_EQ(scrub().progress().pass_finished_ms, 0);
  (void)run_for(seconds(60), kMiB);
  EXPECT_GT(scrub().progress().pass_finished_ms, 0);
}

TEST_F(ScrubPace, a_pass_is_spread_over_its_period_and_the_next_one_begins_after_it) {
  fill(40);
  pass();  // now it knows how much there is
  const uint64_t all = scrub().progress().done;
  EXPECT_EQ(run_for(hours(24 * 7) - seconds(5), 0), 0U) << "nothing is due";
  const uint64_t first_day = run_for(hours(24), 0);
  EXPECT_GT(first_day, all / 10);
  EXPECT_LT(first_day, all / 3);
  const int64_t finished = scrub().progress().pass_finished_ms;
  const uint64_t rest = run_for(hours(24 * 6 - 1), 0);
  EXPECT_GE(first_day + rest, all);
  EXPECT_GT(scrub().progress().pass_finished_ms, finished) << "within the period";
}

TEST_F(ScrubPace, without_a_period_it_runs_only_when_asked) {
  fixture_.stop();
  fixture_.workers.scrub_period = Duration::zero();
  ASSERT_TRUE(fixture_.start().ok());
  EXPECT_EQ(run_for(hours(1000), 0), 0U);
  pass();
  EXPECT_GT(scrub().progress().pass_finished_ms, 0);
}

TEST_F(ScrubPace, it_goes_on_after_a_restart_where_it_stopped) {
  fill(20);
  pass();
  const uint64_t all = scrub().progress().done;
  scrub().begin();
  uint64_t before = 0;
  while (before < all / 2) {
    before += scrub().step().value().bytes;
    clock_.advance(seconds(11));  // its position is kept every ten seconds
  }
  const worker::Progress stopped = scrub().progress();
  fixture_.store().settle();
  fixture_.stop();
  ASSERT_TRUE(fixture_.start().ok());
  uint64_t rest = 0;
  for (;;) {
    const worker::Step step = scrub().step().value();
    rest += step.bytes;
    if (!step.more) break;
  }
  EXPECT_EQ(scrub().progress().pass_started_ms, stopped.pass_started_ms);
  EXPECT_LT(rest, all / 2 + 2 * kMiB);
  EXPECT_GE(before + rest, all);
  EXPECT_GT(scrub().progress().pass_finished_ms, stopped.pass_finished_ms);
}

TEST_F(ScrubPace, when_a_key_was_verified_is_known_for_each_range) {
  fill(3);
  for (size_t i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(fixture_.put("row" + std::to_string(10'000 + i), "value").ok());
  }
  pass();
  const int64_t first_ms = scrub().progress().pass_started_ms;
  clock_.advance(hours(24 * 8));
  scrub().begin();
  // Part of the way through the rows.
  while (scrub().progress().note.find("rows") == std::string::npos) (void)scrub().step().value();
  clock_.advance(seconds(11));
  ASSERT_TRUE(scrub().step().ok());
  fixture_.store().settle();
  fixture_.stop();
  drive::IndexCache cache(kMiB);
  for (size_t drive = 0; drive < kDrives; ++drive) {
    auto looked = drive::look_at_folder(disks_[drive], folder(drive)).value();
    const auto open = drive::Drive::open({.files = disks_[drive],
                                          .path = folder(drive),
                                          .cache = cache,
                                          .tag = 0,
                                          .lock = std::move(looked.lock),
                                          .identity = *looked.identity})
                          .value();
    const auto early = find_range(*open, ScrubPart::kRows, "row10000");
    const auto late = find_range(*open, ScrubPart::kRows, "row11999");
    ASSERT_TRUE(early && late);
    EXPECT_GT(early->started_ms, first_ms + hours(24 * 7) / std::chrono::milliseconds(1));
    EXPECT_EQ(late->started_ms, first_ms);
    EXPECT_GE(late->ended_ms, late->started_ms);
    EXPECT_FALSE(find_range(*open, ScrubPart::kBlobs, "\x01")->to_last == false);
  }
  ASSERT_TRUE(fixture_.start().ok());
}

}  // namespace
}  // namespace strata::replica
