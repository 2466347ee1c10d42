#include "common/fault/faulty_file_system.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <thread>

#include "common/io/memory_file_system.h"

namespace strata::fault {
namespace {

class FaultyFiles : public testing::Test {
 protected:
  void plan(FaultRule rule, uint64_t seed = 1) {
    ASSERT_TRUE(files_.set_plan({.seed = seed, .rules = {std::move(rule)}}).ok());
  }
  std::unique_ptr<io::File> open(const std::string& path) {
    return files_.open(path, {.write = true, .create = true}).value();
  }
  std::string stored(const std::string& path) {
    return to_string(io::read_file(disk_, path, kMiB).value());
  }

  io::MemoryFileSystem disk_;
  FaultyFileSystem files_{disk_};
};

TEST_F(FaultyFiles, without_a_plan_everything_passes) {
  auto file = open("a");
  EXPECT_TRUE(file->write_at(0, as_bytes("text")).ok());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(stored("a"), "text");
  EXPECT_EQ(files_.injected(), 0u);
  EXPECT_EQ(file->descriptor(), -1);
}

TEST_F(FaultyFiles, the_call_that_was_asked_for_fails_and_does_nothing) {
  auto file = open("a");
  plan({.operation = Operation::kWrite, .skip = 1, .times = 1, .code = Code::kNoSpace});
  EXPECT_TRUE(file->write_at(0, as_bytes("one")).ok());
  EXPECT_EQ(file->write_at(0, as_bytes("two")).error().code, Code::kNoSpace);
  EXPECT_EQ(stored("a"), "one");
  EXPECT_TRUE(file->write_at(0, as_bytes("six")).ok());
  EXPECT_EQ(files_.injected(Effect::kError), 1u);
  EXPECT_EQ(files_.rule_hits(), (std::vector<uint64_t>{1}));
}

TEST_F(FaultyFiles, only_paths_that_match_are_hit) {
  auto bad = open("drive1/../bad");
  auto good = open("good");
  plan({.path_contains = "bad"});
  EXPECT_FALSE(bad->size().ok());
  EXPECT_TRUE(good->size().ok());
  EXPECT_FALSE(files_.rename("good", "bad").ok());
  EXPECT_FALSE(files_.rename("bad", "new").ok());
  EXPECT_TRUE(files_.rename("good", "new").ok());
}

TEST_F(FaultyFiles, every_kind_of_call_can_fail) {
  ASSERT_TRUE(files_.create_directory("d").ok());
  auto file = open("d/f");
  plan({});
  std::byte one[1] = {};
  EXPECT_FALSE(file->read_at(0, one).ok());
  EXPECT_FALSE(file->write_at(0, one).ok());
  EXPECT_FALSE(file->sync().ok());
  EXPECT_FALSE(file->sync_data().ok());
  EXPECT_FALSE(file->truncate(1).ok());
  EXPECT_FALSE(file->allocate(0, 1).ok());
  EXPECT_FALSE(file->size().ok());
  EXPECT_FALSE(files_.open("x", {.write = true, .create = true}).ok());
  EXPECT_FALSE(files_.rename("d/f", "d/g").ok());
  EXPECT_FALSE(files_.link("d/f", "d/g").ok());
  EXPECT_FALSE(files_.remove_file("d/f").ok());
  EXPECT_FALSE(files_.create_directory("e").ok());
  EXPECT_FALSE(files_.remove_directory("d").ok());
  EXPECT_FALSE(files_.list("d").ok());
  EXPECT_FALSE(files_.info("d").ok());
  EXPECT_FALSE(files_.sync_directory("d").ok());
  EXPECT_FALSE(files_.lock("l").ok());
  EXPECT_FALSE(files_.space("d").ok());
  EXPECT_EQ(files_.injected(), 18u);
  EXPECT_EQ(disk_.list("/").value(), (std::vector<std::string>{"d"}));
  EXPECT_EQ(disk_.list("d").value(), (std::vector<std::string>{"f"}));
  EXPECT_EQ(disk_.info("d/f")->size_bytes, 0u);
}

TEST_F(FaultyFiles, a_torn_write_leaves_its_beginning) {
  auto file = open("a");
  ASSERT_TRUE(file->write_at(0, as_bytes("........")).ok());
  plan({.operation = Operation::kWrite, .effect = Effect::kTornWrite, .bytes = 3});
  EXPECT_EQ(file->write_at(0, as_bytes("12345678")).error().code, Code::kIo);
  EXPECT_EQ(stored("a"), "123.....");
}

TEST_F(FaultyFiles, a_lost_or_misdirected_write_reports_success) {
  auto file = open("a");
  ASSERT_TRUE(file->write_at(0, as_bytes("........")).ok());
  plan({.operation = Operation::kWrite, .effect = Effect::kLostWrite});
  EXPECT_TRUE(file->write_at(0, as_bytes("12")).ok());
  EXPECT_EQ(stored("a"), "........");
  plan({.operation = Operation::kWrite, .effect = Effect::kMisdirectedWrite, .bytes = 4});
  EXPECT_TRUE(file->write_at(0, as_bytes("12")).ok());
  EXPECT_EQ(stored("a"), "....12..");
}

TEST_F(FaultyFiles, a_read_has_one_wrong_bit) {
  auto file = open("a");
  ASSERT_TRUE(file->write_at(0, ByteVector(64)).ok());
  plan({.operation = Operation::kRead, .effect = Effect::kFlipBit});
  for (int round = 0; round < 20; ++round) {
    ByteVector read(100);
    ASSERT_EQ(file->read_at(0, read).value(), 64u);
    int wrong = 0;
    for (const std::byte b : read) wrong += std::popcount(static_cast<unsigned char>(b));
    EXPECT_EQ(wrong, 1);
  }
  EXPECT_EQ(stored("a"), std::string(64, '\0')) << "what is stored is not touched";
}

TEST_F(FaultyFiles, a_lost_flush_shows_after_the_power_cut) {
  auto file = open("a");
  ASSERT_TRUE(files_.sync_directory("/").ok());
  ASSERT_TRUE(file->write_at(0, as_bytes("text")).ok());
  plan({.operation = Operation::kSync, .effect = Effect::kLostFlush});
  EXPECT_TRUE(file->sync().ok());
  SeededRandom random(0);
  disk_.crash(random, {.survival = io::Survival::kNothing});
  EXPECT_EQ(stored("a"), "");
}

TEST_F(FaultyFiles, a_flush_that_failed_once_has_lost_the_bytes_though_the_next_succeeds) {
  auto file = open("a");
  ASSERT_TRUE(files_.sync_directory("/").ok());
  ASSERT_TRUE(file->write_at(0, as_bytes("lost")).ok());
  plan({.operation = Operation::kSync, .times = 1});
  EXPECT_EQ(file->sync_data().error().code, Code::kIo);
  EXPECT_TRUE(file->sync_data().ok());
  SeededRandom random(0);
  disk_.crash(random, {.survival = io::Survival::kEverything});
  EXPECT_EQ(stored("a"), "");
}

TEST_F(FaultyFiles, the_same_seed_hits_the_same_calls) {
  auto file = open("a");
  const auto run = [&](uint64_t seed) {
    plan({.operation = Operation::kSize, .probability = 0.3}, seed);
    std::string hits;
    for (int i = 0; i < 1000; ++i) hits += file->size().ok() ? '.' : 'x';
    return hits;
  };
  const std::string first = run(7);
  EXPECT_EQ(run(7), first);
  EXPECT_NE(run(8), first);
  const auto count = std::count(first.begin(), first.end(), 'x');
  EXPECT_GT(count, 200);
  EXPECT_LT(count, 400);
}

TEST_F(FaultyFiles, a_delayed_call_goes_on_when_the_plan_changes) {
  auto file = open("a");
  plan({.operation = Operation::kSize, .effect = Effect::kDelay, .delay = std::chrono::hours(1)});
  std::thread caller([&] { EXPECT_TRUE(file->size().ok()); });
  while (files_.injected(Effect::kDelay) == 0) std::this_thread::yield();
  files_.clear_plan();
  caller.join();
}

TEST_F(FaultyFiles, a_delay_is_followed_by_the_next_rule) {
  auto file = open("a");
  ASSERT_TRUE(files_
                  .set_plan({.rules = {{.effect = Effect::kDelay, .delay = Duration(1)},
                                       {.operation = Operation::kSize}}})
                  .ok());
  EXPECT_FALSE(file->size().ok());
  EXPECT_EQ(files_.rule_hits(), (std::vector<uint64_t>{1, 1}));
}

TEST_F(FaultyFiles, a_plan_that_cannot_be_is_refused) {
  const auto refused = [&](FaultRule rule) {
    return files_.set_plan({.rules = {std::move(rule)}}).error().code;
  };
  EXPECT_EQ(refused({.operation = Operation::kRead, .effect = Effect::kTornWrite}),
            Code::kInvalidArgument);
  EXPECT_EQ(refused({.operation = Operation::kAny, .effect = Effect::kFlipBit}),
            Code::kInvalidArgument);
  EXPECT_EQ(refused({.operation = Operation::kWrite, .effect = Effect::kLostFlush}),
            Code::kInvalidArgument);
  EXPECT_EQ(refused({.probability = 1.5}), Code::kInvalidArgument);
  EXPECT_EQ(refused({.delay = std::chrono::hours(2)}), Code::kInvalidArgument);
  FaultPlan large;
  large.rules.resize(kMaxRules + 1);
  EXPECT_EQ(files_.set_plan(large).error().code, Code::kInvalidArgument);
}

TEST_F(FaultyFiles, an_atomic_write_keeps_the_old_file_whatever_fails) {
  for (uint64_t skip = 0;; ++skip) {
    io::MemoryFileSystem disk;
    ASSERT_TRUE(io::write_file_atomic(disk, "a", as_bytes("old")).ok());
    FaultyFileSystem files(disk);
    ASSERT_TRUE(files.set_plan({.rules = {{.skip = skip, .times = 1}}}).ok());
    const Status written = io::write_file_atomic(files, "a", as_bytes("new"));
    const std::string now = to_string(io::read_file(disk, "a", 10).value());
    if (written.ok()) {
      EXPECT_EQ(now, "new");
      EXPECT_GE(skip, 5u);
      break;
    }
    EXPECT_TRUE(now == "old" || now == "new") << now;
    EXPECT_EQ(disk.list("/")->size(), 1u) << "a temporary file stayed, at call " << skip;
  }
}

}  // namespace
}  // namespace strata::fault
