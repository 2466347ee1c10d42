#include "strata/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata::roof {
namespace {

// Each runs in a process of its own, because signals and limits belong to the whole process: in one
// that begins anew, since a fork would leave behind the threads that earlier tests have left.
class OwnProcess : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(OwnProcess, the_first_signal_is_waited_for) {
  EXPECT_EXIT(
      {
        StopSignals signals;
        kill(getpid(), SIGTERM);
        _exit(signals.wait() == SIGTERM ? 0 : 9);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(OwnProcess, a_second_signal_ends_the_process_at_once) {
  EXPECT_EXIT(
      {
        StopSignals signals;
        signals.exit_hard_after(std::chrono::seconds(60));
        kill(getpid(), SIGINT);
        while (true) pause();
      },
      ::testing::ExitedWithCode(1), "");
}

TEST_F(OwnProcess, a_drain_that_takes_too_long_ends_the_process) {
  EXPECT_EXIT(
      {
        StopSignals signals;
        signals.exit_hard_after(std::chrono::seconds(0));
        while (true) pause();
      },
      ::testing::ExitedWithCode(1), "");
}

TEST_F(OwnProcess, a_drain_that_went_well_ends_the_watch) {
  EXPECT_EXIT(
      {
        {
          StopSignals signals;
          signals.exit_hard_after(std::chrono::seconds(60));
        }
        _exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST_F(OwnProcess, preparing_it_raises_the_limit_of_open_files) {
  EXPECT_EXIT(
      {
        rlimit before{};
        getrlimit(RLIMIT_NOFILE, &before);
        const Result<uint64_t> limit = prepare_process();
        _exit(limit.ok() && *limit == before.rlim_max && umask(0) == 077 ? 0 : 9);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(Process, its_memory_is_known) {
  EXPECT_GT(resident_bytes(), 1024U * 1024U);
}

}  // namespace
}  // namespace strata::roof
