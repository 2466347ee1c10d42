// The crew's threads, with a clock that the test moves: no test waits for time.
#include "common/worker/crew.h"

#include <gtest/gtest.h>

#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"

namespace strata::worker {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Does what the test says, and lets it wait for steps.
class Scripted final : public Worker {
 public:
  explicit Scripted(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view purpose() const noexcept override { return "does as told"; }
  [[nodiscard]] Result<Step> step() override {
    std::unique_lock lock(mutex_);
    ++steps_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !hold_; });
    return next_;
  }
  void begin() override {
    const std::lock_guard lock(mutex_);
    ++begun_;
  }
  [[nodiscard]] Progress progress() const override {
    const std::lock_guard lock(mutex_);
    Progress progress;
    progress.done = steps_;
    progress.unit = "steps";
    return progress;
  }

  void returns(Result<Step> step) {
    const std::lock_guard lock(mutex_);
    next_ = std::move(step);
  }
  void hold(bool hold) {
    const std::lock_guard lock(mutex_);
    hold_ = hold;
    changed_.notify_all();
  }
  // Whether that many steps had begun before the bound passed.
  [[nodiscard]] bool reaches(uint64_t steps) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20), [&] { return steps_ >= steps; });
  }
  [[nodiscard]] uint64_t steps() const {
    const std::lock_guard lock(mutex_);
    return steps_;
  }
  [[nodiscard]] uint64_t begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

 private:
  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Result<Step> next_ = Step{.bytes = 0, .more = false, .wait = hours(1)};
  uint64_t steps_ = 0;
  uint64_t begun_ = 0;
  bool hold_ = false;
};

class CrewTest : public ::testing::Test {
 protected:
  void open(uint64_t rate = 0) {
    crew_ = std::make_unique<Crew>(files_, "/workers", clock_);
    crew_->add(one_, rate);
    crew_->add(two_, rate);
  }
  void pass_time(std::chrono::milliseconds time) {
    clock_.advance(time);
    crew_->clock_moved();
  }
  // Once no step is under way: the state that a test can rely on.
  [[nodiscard]] WorkerStatus settled(std::string_view name) {
    for (;;) {
      WorkerStatus status = crew_->show(name).value();
      if (status.next || status.state == State::kPaused) return status;
      std::this_thread::yield();
    }
  }

  io::MemoryFileSystem files_;
  io::ManualClock clock_;
  Scripted one_{"one"};
  Scripted two_{"two"};
  std::unique_ptr<Crew> crew_;
};

TEST_F(CrewTest, each_worker_steps_when_its_time_has_come) {
  open();
  crew_->start();
  ASSERT_TRUE(one_.reaches(1));
  ASSERT_TRUE(two_.reaches(1));
  EXPECT_EQ(settled("one").state, State::kIdle);
  EXPECT_EQ(settled("one").next, hours(1));
  EXPECT_EQ(settled("two").next, hours(1));  // before time passes, or it counts from later
  pass_time(minutes(59));
  EXPECT_EQ(settled("one").next, minutes(1));
  EXPECT_EQ(one_.steps(), 1U);
  pass_time(minutes(1));
  EXPECT_TRUE(one_.reaches(2));
  EXPECT_TRUE(two_.reaches(2));
}

TEST_F(CrewTest, begin_does_not_wait_and_tells_the_worker) {
  open();
  crew_->start();
  ASSERT_TRUE(one_.reaches(1));
  ASSERT_TRUE(crew_->begin("one").ok());
  EXPECT_TRUE(one_.reaches(2));
  EXPECT_EQ(one_.begun(), 1U);
  EXPECT_EQ(two_.begun(), 0U);
}

TEST_F(CrewTest, the_rate_decides_when_the_next_step_comes) {
  one_.returns(Step{.bytes = 50, .more = true});
  open(10);
  crew_->start();
  ASSERT_TRUE(one_.reaches(1));
  EXPECT_EQ(settled("one").next, seconds(4));  // one second's worth is free
  EXPECT_EQ(settled("one").state, State::kRunning);
  for (uint64_t steps = 2; steps < 10; ++steps) {
    pass_time(steps == 2 ? seconds(4) : seconds(5));
    ASSERT_TRUE(one_.reaches(steps));
    EXPECT_EQ(settled("one").next, seconds(5));
    EXPECT_EQ(one_.steps(), steps);
  }
  ASSERT_TRUE(crew_->set_rate("one", 50).ok());
  EXPECT_EQ(settled("one").next, seconds(1));
  EXPECT_EQ(settled("one").bytes, 450U);
}

TEST_F(CrewTest, a_paused_worker_stays_where_it_is_until_resumed) {
  one_.returns(Step{.more = true});
  open();
  ASSERT_TRUE(crew_->pause("one").ok());
  crew_->start();
  ASSERT_TRUE(two_.reaches(1));
  EXPECT_EQ(crew_->show("one").value().state, State::kPaused);
  EXPECT_EQ(one_.steps(), 0U);
  EXPECT_EQ(crew_->begin("one").error().code, Code::kConflict);
  ASSERT_TRUE(crew_->resume("one").ok());
  EXPECT_TRUE(one_.reaches(2));
}

TEST_F(CrewTest, a_failure_is_shown_and_tried_again) {
  one_.returns(Error(Code::kIo, "the disk is on fire"));
  open();
  crew_->start();
  ASSERT_TRUE(one_.reaches(1));
  const WorkerStatus status = settled("one");
  EXPECT_EQ(status.state, State::kFailed);
  EXPECT_EQ(status.failures, 1U);
  EXPECT_NE(status.reason.find("on fire"), std::string::npos);
  EXPECT_EQ(status.next, seconds(1));
  one_.returns(Step{});
  pass_time(seconds(1));
  ASSERT_TRUE(one_.reaches(2));
  EXPECT_EQ(settled("one").state, State::kIdle);
}

TEST_F(CrewTest, what_was_asked_for_survives_a_restart) {
  open(7);
  ASSERT_TRUE(crew_->pause("one").ok());
  ASSERT_TRUE(crew_->set_rate("two", 12345).ok());
  open(7);
  EXPECT_EQ(crew_->show("one").value().state, State::kPaused);
  EXPECT_EQ(crew_->show("one").value().rate, 7U);
  EXPECT_TRUE(crew_->show("one").value().rate_is_default);
  EXPECT_EQ(crew_->show("two").value().rate, 12345U);
  EXPECT_FALSE(crew_->show("two").value().rate_is_default);
  ASSERT_TRUE(crew_->resume("one").ok());
  ASSERT_TRUE(crew_->set_rate("two", std::nullopt).ok());
  open(8);
  EXPECT_EQ(crew_->show("one").value().state, State::kIdle);
  EXPECT_EQ(crew_->show("two").value().rate, 8U);
}

TEST_F(CrewTest, what_could_not_be_kept_is_not_done) {
  open(7);
  files_.cut_after(0);
  EXPECT_FALSE(crew_->pause("one").ok());
  EXPECT_FALSE(crew_->set_rate("one", 1).ok());
  EXPECT_EQ(crew_->show("one").value().state, State::kIdle);
  EXPECT_EQ(crew_->show("one").value().rate, 7U);
}

TEST_F(CrewTest, a_settings_file_that_is_not_one_means_the_defaults) {
  ASSERT_TRUE(io::write_file_atomic(files_, "/workers", as_bytes("what is this?")).ok());
  open(7);
  EXPECT_EQ(crew_->show("one").value().state, State::kIdle);
  ASSERT_TRUE(crew_->pause("two").ok());
  open(7);
  EXPECT_EQ(crew_->show("two").value().state, State::kPaused);
}

TEST_F(CrewTest, a_name_that_is_none_is_answered_with_those_that_are) {
  open();
  const Status status = crew_->pause("three");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kNotFound);
  EXPECT_NE(status.error().message.find("one, two"), std::string::npos);
}

TEST_F(CrewTest, stop_waits_for_a_step_but_not_past_the_deadline) {
  open();
  one_.hold(true);
  crew_->start();
  ASSERT_TRUE(one_.reaches(1));
  const Status late = crew_->stop(Deadline::after(std::chrono::milliseconds(1)));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::kTimeout);
  EXPECT_NE(late.error().message.find("one"), std::string::npos);
  one_.hold(false);
  EXPECT_TRUE(crew_->stop(Deadline::after(seconds(20))).ok());
  EXPECT_EQ(one_.steps(), 1U);
}

}  // namespace
}  // namespace strata::worker
