// Each kind of fault, on one of three drives, at every call of a scripted life of an object store.
//
// What is asked for succeeds, or is refused without a trace where space is short; nothing wrong is
// ever read, not in that life and not after the next start, with the drive and with another away.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <ostream>
#include <set>

#include "common/base/log.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/object_history.h"
#include "tests/support/seeds.h"

namespace strata::tests {
namespace {

using fault::Effect;
using fault::FaultRule;
using fault::Operation;

constexpr size_t kDrives = 3;
constexpr size_t kBad = 1;  // the drive that fails

struct Case {
  const char* name;
  FaultRule rule;
  bool power_fails = false;  // of that drive, at the end: to see what a lost flush lost
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

class EveryFault : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    log::start(log::Level::kOff, log::Format::kHuman);
    for (size_t i = 0; i < kDrives; ++i) base_.push_back(std::make_unique<io::MemoryFileSystem>());
    std::vector<io::FileSystem*> disks;
    for (const auto& disk : base_) disks.push_back(disk.get());
    ObjectWorld world(disks, kDrives);
    ASSERT_TRUE(world.start().ok());
    ASSERT_TRUE(world.make_bucket().ok());
    ASSERT_TRUE(world.apply({Step::Kind::kPut, 3, 7}).ok());
    world.stop();
    book_ = world.book();
  }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  // The fault at the call of that number; false when the life has fewer.
  bool run_once(const Case& one, uint64_t call) {
    SeededRandom random(call);
    std::deque<fault::FaultyFileSystem> faulty;
    std::vector<std::unique_ptr<io::MemoryFileSystem>> disks;
    std::vector<io::FileSystem*> pointers;
    for (const auto& disk : base_) {
      disks.push_back(disk->crash_copy(random, {.survival = io::Survival::kEverything}));
      pointers.push_back(&faulty.emplace_back(*disks.back()));
    }
    ObjectWorld world(pointers, kDrives, book_);
    fault::FaultPlan plan{.seed = call, .rules = {one.rule}};
    plan.rules.front().skip = call;
    plan.rules.front().times = 1;
    EXPECT_TRUE(faulty[kBad].set_plan(plan).ok());
    live(world, one);
    const bool hit = faulty[kBad].injected() > 0;
    world.stop();
    faulty[kBad].clear_plan();
    if (one.power_fails) disks[kBad]->crash(random, {.survival = io::Survival::kNothing});
    live_again(pointers, world.book());
    EXPECT_EQ(blobs_of(*disks[kBad], kBad), blobs_of(*disks[2], 2)) << "something was left behind";
    return hit;
  }

 private:
  static std::set<std::string> blobs_of(io::FileSystem& disk, size_t drive) {
    const std::string folder = "/d" + std::to_string(drive) + "/blobs";
    std::set<std::string> found;
    const std::vector<std::string> names = disk.list(folder).value();
    for (const std::string& name : names) {
      const std::vector<std::string> blobs = disk.list(folder + "/" + name).value();
      found.insert(blobs.begin(), blobs.end());
    }
    return found;
  }
  void live(ObjectWorld& world, const Case& one) {
    const Status started = world.start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    for (const Step& step : short_history()) {
      const Status done = world.apply(step);
      EXPECT_TRUE(done.ok() ||
                  (one.rule.code == Code::kNoSpace && done.error().code == Code::kNoSpace))
          << done.error().to_string();
    }
    const auto wrong = world.check();
    EXPECT_FALSE(wrong) << *wrong;
    world.fixture.store().settle();
  }
  // Twice: what was found damaged in one life is made good by the start of the next.
  static void live_again(std::vector<io::FileSystem*> disks, ObjectBook book) {
    for (const size_t away : {kDrives, kDrives, size_t{0}}) {
      ObjectWorld world(disks, kDrives, book);
      if (away < kDrives) world.fixture.disks()[away] = nullptr;
      const Status started = world.start();
      ASSERT_TRUE(started.ok()) << "with drive " << away
                                << " away: " << started.error().to_string();
      ASSERT_TRUE(world.fixture.resync().ok());
      const auto wrong = world.check();
      EXPECT_FALSE(wrong) << "with drive " << away << " away: " << *wrong;
      world.fixture.store().settle();
      book = world.book();
    }
  }

  std::vector<std::unique_ptr<io::MemoryFileSystem>> base_;
  ObjectBook book_;
};

TEST_P(EveryFault, at_any_call_is_survived_and_nothing_wrong_is_read) {
  const char* const exhaustive = std::getenv("STRATA_TEST_EXHAUSTIVE");
  const uint64_t seed = tests::test_seed();
  const uint64_t stride = exhaustive != nullptr ? 1 : 23;
  uint64_t calls = 0;
  for (uint64_t call = exhaustive != nullptr ? 0 : seed % stride; !HasFailure(); call += stride) {
    SCOPED_TRACE(std::string(GetParam().name) + " at call " + std::to_string(call) +
                 ", STRATA_TEST_SEED=" + std::to_string(seed));
    if (!run_once(GetParam(), call)) break;
    ++calls;
  }
  std::printf("%s: %llu calls tried\n", GetParam().name, static_cast<unsigned long long>(calls));
}

FaultRule rule(Operation operation, Effect effect, Code code = Code::kIo) {
  FaultRule made;
  made.operation = operation;
  made.effect = effect;
  made.code = code;
  if (effect == Effect::kDelay) made.delay = std::chrono::milliseconds(20);
  return made;
}

INSTANTIATE_TEST_SUITE_P(
    Drive, EveryFault,
    ::testing::Values(
        Case{"read_error", rule(Operation::kRead, Effect::kError)},
        Case{"read_flips_a_bit", rule(Operation::kRead, Effect::kFlipBit)},
        Case{"write_error", rule(Operation::kWrite, Effect::kError)},
        Case{"write_no_space", rule(Operation::kWrite, Effect::kError, Code::kNoSpace)},
        Case{"write_short", rule(Operation::kWrite, Effect::kTornWrite)},
        Case{"write_lost", rule(Operation::kWrite, Effect::kLostWrite)},
        Case{"write_misdirected", rule(Operation::kWrite, Effect::kMisdirectedWrite)},
        Case{"flush_fails_once", rule(Operation::kSync, Effect::kError)},
        Case{"flush_lost", rule(Operation::kSync, Effect::kLostFlush), true},
        Case{"directory_flush_error", rule(Operation::kSyncDirectory, Effect::kError)},
        Case{"open_error", rule(Operation::kOpen, Effect::kError)},
        Case{"rename_error", rule(Operation::kRename, Effect::kError)},
        Case{"slow", rule(Operation::kAny, Effect::kDelay)}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace strata::tests
