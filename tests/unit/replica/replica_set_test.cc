#include "objstore/replica/replica_set.h"

#include <gtest/gtest.h>

#include <deque>

#include "common/async/when_all.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

struct MemoryDisks {
  explicit MemoryDisks(size_t count) : disks(count) {}
  std::vector<io::FileSystem*> pointers() {
    std::vector<io::FileSystem*> all;
    for (io::MemoryFileSystem& disk : disks) all.push_back(&disk);
    return all;
  }
  std::deque<io::MemoryFileSystem> disks;
};

TEST(ReplicaSet, rows_written_are_read_and_survive_a_restart) {
  MemoryDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  const Sequence first = fixture.put("a", "1").value();
  const Sequence second = fixture.put("b", "2").value();
  EXPECT_LT(first, second);
  ASSERT_TRUE(fixture.put("c", "3").ok());
  ASSERT_TRUE(fixture.remove("c").ok());
  fixture.stop();
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.get("a").value()->value, "1");
  EXPECT_EQ(fixture.get("b").value()->value, "2");
  EXPECT_EQ(fixture.get("b").value()->sequence, second);
  EXPECT_FALSE(fixture.get("c").value().has_value());
  EXPECT_GT(fixture.store().next_stamp(), second);
  EXPECT_EQ(fixture.scan().value().size(), 2u);
}

TEST(ReplicaSet, blobs_of_every_size_come_back_whole_and_in_ranges) {
  MemoryDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  const uint64_t kSmall = drive::kSmallBlobBytesMax;
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, kSmall - 1, kSmall, kSmall + 1, 196'608ul,
                              1'048'576ul, 1'048'577ul, 3'333'333ul}) {
    const std::string content = random_text(size, size);
    const std::string key = "k" + std::to_string(size);
    const BlobRef ref = fixture.put_blob(key, content).value();
    EXPECT_EQ(ref.size_bytes, size);
    EXPECT_EQ(ref.in_index, size <= kSmall);
    EXPECT_EQ(fixture.read_blob(key, ref).value(), content);
    EXPECT_EQ(fixture.read_blob(key, ref, size / 3, size / 2).value(),
              content.substr(size / 3, size / 2));
    if (size > 0) {
      EXPECT_EQ(fixture.read_blob(key, ref, size - 1, 1).value(), content.substr(size - 1));
    }
    EXPECT_EQ(fixture.read_blob(key, ref, size, 1).error().code, Code::kOutOfRange);
  }
}

TEST(ReplicaSet, a_dropped_blob_is_readable_while_an_older_pin_lives_and_then_gone) {
  MemoryDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  for (const size_t size : {size_t{1000}, size_t{300'000}}) {
    const std::string content = random_text(7, size);
    const BlobRef ref = fixture.put_blob("k", content).value();
    std::unique_ptr<ReadPin> pin = fixture.store().pin();
    ASSERT_TRUE(fixture.drop_blob("k", ref).ok());
    fixture.store().settle();
    EXPECT_EQ(fixture.read_blob("k", ref).value(), content);
    pin.reset();
    fixture.store().settle();
    EXPECT_FALSE(fixture.read_blob("k", ref).ok());
  }
}

async::Task<Status> abandon(Store& store) {
  CO_TRY_ASSIGN(auto writer, co_await store.create_blob("p", std::nullopt));
  const std::string bytes(3'000'000, 'x');
  CO_TRY(co_await writer->append(as_bytes(bytes)));
  co_return Status();
}

size_t blob_files(io::FileSystem& disk, const std::string& drive) {
  size_t count = 0;
  const std::vector<std::string> folders = disk.list(drive + "/blobs").value();
  for (const std::string& folder : folders) {
    count += disk.list(drive + "/blobs/" + folder).value().size();
  }
  return count;
}

TEST(ReplicaSet, a_blob_that_no_commit_owns_is_removed_with_its_writer) {
  MemoryDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.run(abandon(fixture.store())).ok());
  fixture.store().settle();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(blob_files(disks.disks[i], "/d" + std::to_string(i)), 0u);
  }
}

TEST(ReplicaSet, with_more_drives_than_copies_everything_is_found_and_listed_in_order) {
  MemoryDisks disks(5);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i) {
    keys.push_back("k" + std::to_string(1000 + i));
    ASSERT_TRUE(fixture.put(keys.back(), "v" + keys.back()).ok());
  }
  for (int round = 0; round < 2; ++round) {
    for (const std::string& key : keys) EXPECT_EQ(fixture.get(key).value()->value, "v" + key);
    const std::vector<Row> rows = fixture.scan({.from = "k1050", .to = "k1060"}).value();
    ASSERT_EQ(rows.size(), 10u);
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].key, keys[50 + i]);
    EXPECT_EQ(fixture.scan({.from = "", .to = "", .rows_max = 7}).value().size(), 7u);
    fixture.stop();
    ASSERT_TRUE(fixture.start().ok());
  }
}

TEST(ReplicaSet, a_second_start_on_the_same_drives_is_refused) {
  MemoryDisks disks(3);
  ReplicaFixture fixture(disks.pointers(), 3);
  ASSERT_TRUE(fixture.start().ok());
  ReplicaFixture second(disks.pointers(), 3);
  const Status refused = second.start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_NE(refused.error().message.find("is in use by another strata process"), std::string::npos);
}

TEST(ReplicaSet, too_large_rows_and_ranges_are_refused) {
  MemoryDisks disks(1);
  ReplicaFixture fixture(disks.pointers(), 1);
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(fixture.put("k", std::string(kRowValueBytesMax + 1, 'x')).error().code,
            Code::kTooLarge);
  EXPECT_EQ(fixture.put(std::string(kRowKeyBytesMax + 1, 'k'), "").error().code, Code::kTooLarge);
  EXPECT_EQ(fixture.scan({.from = "", .to = "", .rows_max = 0}).error().code,
            Code::kInvalidArgument);
}

TEST(ReplicaSet, concurrent_commits_share_flushes) {
  MemoryDisks disks(1);
  fault::FaultyFileSystem slow(disks.disks[0]);
  ReplicaFixture fixture({&slow}, 1);
  ASSERT_TRUE(fixture.start().ok());
  fault::FaultPlan plan;
  plan.rules.push_back({.operation = fault::Operation::kSync,
                        .effect = fault::Effect::kDelay,
                        .delay = std::chrono::milliseconds(5)});
  ASSERT_TRUE(slow.set_plan(plan).ok());
  auto many = [](Store& store) -> async::Task<Status> {
    std::vector<async::Task<Result<Sequence>>> commits;
    for (int i = 0; i < 300; ++i) {
      Mutation mutation;
      mutation.placement = "p";
      mutation.puts.push_back({"k" + std::to_string(i), "v"});
      commits.push_back(store.commit(std::move(mutation)));
    }
    auto results = co_await async::when_all(std::move(commits));
    for (auto& result : results) CO_TRY(std::move(result));
    co_return Status();
  };
  ASSERT_TRUE(fixture.run(many(fixture.store())).ok());
  EXPECT_LT(fixture.store().flushes(), 30u);
  EXPECT_EQ(fixture.scan().value().size(), 300u);
}

}  // namespace
}  // namespace strata::replica
