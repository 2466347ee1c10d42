// The power goes after every single write, flush and change of a directory that a scripted life of
// an object store makes; of what was not flushed nothing, everything, or random parts survive, torn
// at 512 and at 4096 bytes. RocksDB's files are among them: they go through the same seam.
//
// Checked after each cut: the store starts, all its drives are in service and nothing on them is
// found corrupt; each object is what was acknowledged, or what was in doubt, whole; the same with
// any one drive away.
#include <gtest/gtest.h>

#include "common/base/log.h"
#include "common/io/memory_file_system.h"
#include "tests/support/minimise.h"
#include "tests/support/object_history.h"
#include "tests/support/seeds.h"

namespace strata::tests {
namespace {

constexpr size_t kDrives = 3;

std::vector<io::FileSystem*> three_times(io::MemoryFileSystem& disk) {
  return std::vector<io::FileSystem*>(kDrives, &disk);
}

class EveryCut : public ::testing::Test {
 protected:
  void SetUp() override {
    log::start(log::Level::kOff, log::Format::kHuman);
    ObjectWorld world(three_times(base_), kDrives);
    ASSERT_TRUE(world.start().ok());
    ASSERT_TRUE(world.make_bucket().ok());
    world.stop();
  }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  // Mutations that the whole life makes.
  uint64_t length(const std::vector<Step>& steps) {
    SeededRandom random(1);
    auto disk = base_.crash_copy(random, {.survival = io::Survival::kEverything});
    ObjectWorld world(three_times(*disk), kDrives);
    CHECK(world.start().ok());
    const uint64_t before = disk->mutations();
    for (const Step& step : steps) CHECK(world.apply(step).ok());
    world.stop();
    return disk->mutations() - before;
  }

  // What is wrong after a cut there, if anything is.
  std::optional<std::string> cut(const std::vector<Step>& steps, uint64_t after, uint64_t seed) {
    SeededRandom random(seed + after);
    auto disk = base_.crash_copy(random, {.survival = io::Survival::kEverything});
    ObjectWorld world(three_times(*disk), kDrives);
    if (!world.start().ok()) return "the first start failed";
    disk->cut_after(after);
    for (const Step& step : steps) {
      if (!world.apply(step).ok()) break;
    }
    world.stop();
    const io::CrashPlan plans[] = {{.survival = io::Survival::kNothing},
                                   {.survival = io::Survival::kEverything},
                                   {.survival = io::Survival::kRandom, .sector_bytes = 512},
                                   {.survival = io::Survival::kRandom, .sector_bytes = 4096}};
    for (const io::CrashPlan& plan : plans) {
      auto left = disk->crash_copy(random, plan);
      const auto wrong = look_at(*left, world.book(), random.below(kDrives));
      if (wrong) {
        return "survival " + std::to_string(static_cast<int>(plan.survival)) + ", sectors of " +
               std::to_string(plan.sector_bytes) + ": " + *wrong;
      }
    }
    return std::nullopt;
  }

  // Cuts in strides; on failure the life is made as short as it can be.
  void try_cuts(const std::vector<Step>& steps, uint64_t seed, uint64_t stride) {
    const uint64_t whole = length(steps);
    for (uint64_t after = seed % stride; after <= whole; after += stride, ++cuts_) {
      const auto wrong = cut(steps, after, seed);
      if (!wrong) continue;
      const auto fails = [&](const std::vector<Step>& fewer) {
        for (uint64_t at = 0; at <= length(fewer); at += 2) {
          if (cut(fewer, at, seed)) return true;
        }
        return false;
      };
      FAIL() << "cut after " << after << " of " << whole << ": " << *wrong
             << "\nSTRATA_TEST_SEED=" << seed << "\nsteps: " << to_text(steps)
             << "\nshortest that fails: " << to_text(minimise(steps, fails, 30));
    }
  }
  io::MemoryFileSystem& base() { return base_; }
  uint64_t cuts_ = 0;

 private:
  static std::optional<std::string> look_at(io::MemoryFileSystem& disk, const ObjectBook& book,
                                            size_t away) {
    ObjectWorld all(three_times(disk), kDrives, book);
    const Status started = all.start();
    if (!started.ok()) return "does not start: " + started.error().to_string();
    const replica::StoreStatus status = all.fixture.store().status();
    for (const replica::DriveStatus& drive : status.drives) {
      if (!drive.in_service) return drive.path + " " + drive.state;
    }
    if (status.corrupt_found > 0) return "a drive was found damaged at the start";
    if (auto wrong = all.check()) return wrong;
    if (all.fixture.store().status().corrupt_found > 0) return "something was found corrupt";
    all.stop();
    ObjectWorld two(three_times(disk), kDrives, all.book());
    two.fixture.disks()[away] = nullptr;
    const Status again = two.start();
    if (!again.ok()) return "does not start with two drives: " + again.error().to_string();
    if (auto wrong = two.check()) return "with two drives: " + *wrong;
    return std::nullopt;
  }
  io::MemoryFileSystem base_;
};

TEST_F(EveryCut, of_a_short_life_leaves_what_was_acknowledged_whole) {
  try_cuts(short_history(), test_seed(), number_from("STRATA_TEST_STRIDE", 9));
  std::printf("%llu cuts, 4 outcomes each\n", static_cast<unsigned long long>(cuts_));
}

TEST_F(EveryCut, of_long_random_lives_leaves_what_was_acknowledged_whole) {
  const uint64_t first = test_seed();
  const uint64_t lives = number_from("STRATA_TEST_LIVES", 2);
  for (uint64_t seed = first; seed < first + lives && !HasFailure(); ++seed) {
    SeededRandom random(seed);
    try_cuts(random_steps(random, 25, ObjectWorld::kKeys), seed,
             number_from("STRATA_TEST_STRIDE", 97));
  }
  std::printf("%llu cuts, 4 outcomes each, from STRATA_TEST_SEED=%llu\n",
              static_cast<unsigned long long>(cuts_), static_cast<unsigned long long>(first));
}

// The index of one drive is made anew from the others, and the power goes meanwhile.
TEST_F(EveryCut, of_a_rebuild_loses_nothing_and_the_next_start_ends_it) {
  const std::string why = "for the test";
  ObjectWorld first(three_times(base()), kDrives);
  ASSERT_TRUE(first.start().ok());
  for (const Step& step : short_history()) ASSERT_TRUE(first.apply(step).ok());
  first.stop();
  ASSERT_TRUE(io::write_file_atomic(base(), "/d0/index.damaged", as_bytes(why)).ok());
  const uint64_t seed = test_seed();
  SCOPED_TRACE("STRATA_TEST_SEED=" + std::to_string(seed));
  SeededRandom random(seed);
  const uint64_t stride = number_from("STRATA_TEST_STRIDE", 13);
  bool whole = false;
  for (uint64_t after = random.below(stride); !whole; after += stride) {
    SCOPED_TRACE("cut after " + std::to_string(after));
    auto disk = base().crash_copy(random, {.survival = io::Survival::kEverything});
    ObjectWorld cut_short(three_times(*disk), kDrives, first.book());
    disk->cut_after(after);
    static_cast<void>(cut_short.start().ok());
    cut_short.stop();
    whole = disk->powered();
    disk->crash(random, {.survival = static_cast<io::Survival>(random.below(3))});
    ObjectWorld world(three_times(*disk), kDrives, first.book());
    const Status started = world.start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    ASSERT_TRUE(world.fixture.resync().ok());
    const auto wrong = world.check();
    ASSERT_FALSE(wrong) << *wrong;
    EXPECT_EQ(world.fixture.store().status().drives_in_service(), kDrives);
    EXPECT_FALSE(disk->info("/d0/index.damaged").ok());
    world.stop();
    // What was rebuilt is as good as the others.
    world.fixture.disks()[1] = nullptr;
    ASSERT_TRUE(world.start().ok());
    const auto wrong_then = world.check();
    ASSERT_FALSE(wrong_then) << *wrong_then;
    EXPECT_EQ(world.fixture.store().status().corrupt_found, 0u);
  }
}

TEST(Minimise, finds_the_two_steps_that_matter) {
  std::vector<int> steps;
  for (int i = 0; i < 40; ++i) steps.push_back(i);
  const auto fails = [](const std::vector<int>& some) {
    const auto has = [&](int one) {
      return std::find(some.begin(), some.end(), one) != some.end();
    };
    return has(7) && has(31);
  };
  EXPECT_EQ(minimise(steps, fails), (std::vector<int>{7, 31}));
}

}  // namespace
}  // namespace strata::tests
