// Relaxed durability: a success is answered before it is flushed, says so, and is flushed soon.
#include <gtest/gtest.h>

#include <thread>

#include "common/base/log.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "objstore/replica/inspector.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr auto kWaitMax = std::chrono::seconds(30);

// Asks until it is so; nothing else happens in the store meanwhile.
template <typename Condition>
bool becomes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kWaitMax;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class Relaxed : public ::testing::Test {
 protected:
  void SetUp() override {
    log::start(log::Level::kOff, log::Format::kHuman);
    for (fault::FaultyFileSystem& disk : faulty_) disks_.push_back(&disk);
    fixture_ = std::make_unique<ReplicaFixture>(disks_, 3);
    fixture_->durability = drive::Durability::kRelaxed;
    ASSERT_TRUE(fixture_->start().ok());
  }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  bool is_flushed(const std::string& key) {
    const auto copies = fixture_->store().inspector().row("p/" + key, key).value();
    return std::ranges::all_of(copies, [](const CopyReport& copy) { return copy.flushed; });
  }

  std::array<io::MemoryFileSystem, 3> memory_;
  std::array<fault::FaultyFileSystem, 3> faulty_{fault::FaultyFileSystem(memory_[0]),
                                                 fault::FaultyFileSystem(memory_[1]),
                                                 fault::FaultyFileSystem(memory_[2])};
  std::vector<io::FileSystem*> disks_;
  std::unique_ptr<ReplicaFixture> fixture_;
};

TEST_F(Relaxed, a_success_is_not_flushed_yet_says_so_and_soon_is_by_itself) {
  EXPECT_TRUE(fixture_->store().status().relaxed);
  EXPECT_TRUE(fixture_->store().inspector().is_relaxed());
  const uint64_t before = fixture_->store().flushes();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(fixture_->put("k", std::to_string(i)).ok());
  // Each of them flushed on each drive would be sixty.
  EXPECT_LT(fixture_->store().flushes() - before, 30u);
  EXPECT_TRUE(becomes_true([this] { return is_flushed("k"); }));
  EXPECT_EQ(fixture_->get("k").value()->value, "19");
}

TEST_F(Relaxed, strict_is_the_default_and_every_success_is_flushed) {
  fixture_->stop();
  fixture_->durability = drive::Durability::kStrict;
  ASSERT_TRUE(fixture_->start().ok());
  EXPECT_FALSE(fixture_->store().status().relaxed);
  EXPECT_EQ(ReplicaSetOptions().durability, drive::Durability::kStrict);
  for (int i = 0; i < 20; ++i) {
    const uint64_t before = fixture_->store().flushes();
    ASSERT_TRUE(fixture_->put("k", std::to_string(i)).ok());
    EXPECT_TRUE(is_flushed("k"));
    EXPECT_GE(fixture_->store().flushes() - before, 3u);
  }
}

TEST_F(Relaxed, a_flush_that_fails_later_takes_the_drive_out_and_the_others_have_it) {
  fault::FaultPlan plan;
  plan.rules.push_back({.operation = fault::Operation::kSync, .times = 1});
  ASSERT_TRUE(fixture_->put("a", "1").ok());
  ASSERT_TRUE(becomes_true([this] { return is_flushed("a"); }));
  ASSERT_TRUE(faulty_[1].set_plan(std::move(plan)).ok());
  ASSERT_TRUE(fixture_->put("a", "2").ok());
  EXPECT_TRUE(becomes_true([this] { return fixture_->store().status().drives_in_service() == 2; }));
  EXPECT_FALSE(fixture_->store().status().drives[1].in_service);
  EXPECT_EQ(fixture_->get("a").value()->value, "2");
  ASSERT_TRUE(fixture_->put("b", "3").ok());
  EXPECT_TRUE(becomes_true([this] { return is_flushed("b"); }));
  fixture_->stop();
  fixture_->disks()[0] = nullptr;
  ASSERT_TRUE(fixture_->start().ok());
  ASSERT_TRUE(fixture_->resync().ok());
  EXPECT_EQ(fixture_->get("a").value()->value, "2");
  EXPECT_EQ(fixture_->get("b").value()->value, "3");
}

TEST_F(Relaxed, a_stop_in_order_flushes_everything) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(fixture_->put("k" + std::to_string(i), "v").ok());
  fixture_->stop();
  SeededRandom random(1);
  for (io::MemoryFileSystem& disk : memory_) {
    disk.crash(random, {.survival = io::Survival::kNothing});
  }
  ASSERT_TRUE(fixture_->start().ok());
  EXPECT_EQ(fixture_->scan().value().size(), 50u);
}

// The drop is written, not flushed: after a power cut the blob may be needed again.
TEST_F(Relaxed, the_file_of_a_dropped_blob_goes_when_the_drop_is_flushed_and_not_before) {
  const std::string content = random_text(7, 300'000);
  const BlobRef first = fixture_->put_blob("b", content).value();
  ASSERT_TRUE(becomes_true([this] { return is_flushed("b"); }));
  std::array<std::unique_ptr<io::MemoryFileSystem>, 3> at_the_cut;
  ASSERT_TRUE(fixture_->drop_blob("b", first).ok());
  SeededRandom random(1);
  for (size_t i = 0; i < 3; ++i) {
    at_the_cut[i] = memory_[i].crash_copy(random, {.survival = io::Survival::kNothing});
  }
  fixture_->store().settle();
  const std::string path = "/blobs/" + first.id.to_hex().substr(30) + "/" + first.id.to_hex();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(memory_[i].info("/d" + std::to_string(i) + path).ok()) << "it stays for ever";
  }
  ReplicaFixture after({at_the_cut[0].get(), at_the_cut[1].get(), at_the_cut[2].get()}, 3);
  ASSERT_TRUE(after.start().ok());
  const auto row = after.get("b");
  ASSERT_TRUE(row.ok());
  if (*row) {
    EXPECT_EQ(after.read_blob("b", first).value(), content);
  }
}

}  // namespace
}  // namespace strata::replica
