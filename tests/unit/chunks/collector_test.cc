#include "blockdev/chunks/collector.h"

#include <gtest/gtest.h>

#include "blockdev/chunks/memory_place.h"
#include "common/io/manual_clock.h"

namespace strata::chunks {
namespace {

ByteVector some_bytes(uint8_t fill) {
  return ByteVector(kChunkBytes, std::byte{fill});
}

class CollectorTest : public ::testing::Test {
 protected:
  CollectorTest() {
    auto place = std::make_unique<MemoryPlace>(clock_);
    place_ = place.get();
    store_ = std::make_unique<ChunkStore>(std::move(place));
    claims_ = std::make_unique<Claims>(store_->place(), "aa", clock_);
  }
  ChunkId put(uint8_t fill) {
    const ByteVector bytes = some_bytes(fill);
    const ChunkId id = chunk_id(bytes);
    EXPECT_TRUE(store_->put_chunk(id, bytes).ok());
    return id;
  }
  static Manifest manifest(const std::string& name, const std::vector<ChunkId>& ids) {
    Manifest out;
    out.name = name;
    out.id = std::string(32, 'a');
    out.volume_name = "v";
    out.volume_id = std::string(32, 'b');
    out.size_bytes = 16 * kChunkBytes;
    for (uint32_t i = 0; i < ids.size(); ++i) out.chunks.push_back({i, ids[i]});
    return out;
  }
  Status collect() {
    Collector collector(*store_, *claims_);
    for (;;) {
      TRY_ASSIGN(const bool more, collector.step());
      if (!more) return {};
    }
  }

  io::ManualClock clock_;
  MemoryPlace* place_ = nullptr;
  std::unique_ptr<ChunkStore> store_;
  std::unique_ptr<Claims> claims_;
};

TEST_F(CollectorTest, removes_what_no_manifest_names_and_nothing_else) {
  const ChunkId a = put(1);
  const ChunkId b = put(2);
  const ChunkId c = put(3);
  ASSERT_TRUE(store_->put_manifest(manifest("one", {a, b})).ok());
  ASSERT_TRUE(store_->put_manifest(manifest("two", {b, c})).ok());
  ASSERT_TRUE(store_->remove_manifest("one").ok());
  ASSERT_TRUE(collect().ok());
  EXPECT_EQ(place_->count("chunks/"), 2U);
  ByteVector into(kChunkBytes);
  EXPECT_EQ(store_->get_chunk(a, into).error().code, Code::kNotFound);
  EXPECT_TRUE(store_->get_chunk(b, into).ok());
  EXPECT_EQ(place_->count("claims/"), 0U);
}

TEST_F(CollectorTest, keeps_what_a_restored_volume_claims) {
  const ChunkId a = put(1);
  const std::string key = claims_->volume_key(std::string(32, 'c'));
  ASSERT_TRUE(claims_->renew(key, encode_manifest(manifest("gone", {a}))).ok());
  ASSERT_TRUE(collect().ok());
  EXPECT_EQ(place_->count("chunks/"), 1U);
  ASSERT_TRUE(claims_->leave(key).ok());
  ASSERT_TRUE(collect().ok());
  EXPECT_EQ(place_->count("chunks/"), 0U);
}

TEST_F(CollectorTest, does_nothing_while_a_snapshot_is_being_made_by_any_server) {
  (void)put(1);
  Claims other(store_->place(), "bb", clock_);
  const std::string key = other.create_key("1");
  ASSERT_TRUE(other.enter(key, {}, Deadline::never()).ok());
  EXPECT_EQ(collect().error().code, Code::kBusy);
  EXPECT_EQ(place_->count("chunks/"), 1U);
  // Its server died: after a while it does not count any more.
  clock_.advance(kClaimStale + std::chrono::minutes(1));
  EXPECT_TRUE(collect().ok());
  EXPECT_EQ(place_->count("chunks/"), 0U);
}

TEST_F(CollectorTest, a_snapshot_that_begins_during_a_pass_ends_the_pass) {
  (void)put(1);
  Collector collector(*store_, *claims_);
  ASSERT_TRUE(collector.step().ok());
  // It waits for the collector, and must not find its chunks taken away.
  ASSERT_TRUE(place_->put(claims_->create_key("2"), {}, false).ok());
  EXPECT_EQ(collector.step().error().code, Code::kBusy);
  EXPECT_EQ(place_->count("claims/collect"), 0U);
  EXPECT_EQ(place_->count("chunks/"), 1U);
}

TEST_F(CollectorTest, a_pass_that_was_held_up_removes_nothing_by_what_it_marked_before) {
  const ChunkId a = put(1);
  Collector collector(*store_, *claims_);
  ASSERT_TRUE(collector.step().ok());
  ASSERT_TRUE(collector.step().ok());
  clock_.advance(kCollectStale + std::chrono::seconds(1));
  // Another server passes over the claim, and its snapshot is made meanwhile.
  Claims other(store_->place(), "bb", clock_);
  const std::string key = other.create_key("1");
  ASSERT_TRUE(other.enter(key, {}, Deadline::after(Duration(0))).ok());
  ASSERT_TRUE(store_->put_manifest(manifest("new", {a})).ok());
  ASSERT_TRUE(other.leave(key).ok());
  EXPECT_EQ(collector.step().error().code, Code::kBusy);
  EXPECT_EQ(place_->count("chunks/"), 1U);
  EXPECT_TRUE(collect().ok());
  EXPECT_EQ(place_->count("chunks/"), 1U);
}

TEST_F(CollectorTest, a_snapshot_waits_for_the_collector_until_its_deadline) {
  ASSERT_TRUE(claims_->enter_collect().ok());
  const Status entered =
      claims_->enter(claims_->create_key("1"), {}, Deadline::after(Duration(0)), Duration(0));
  EXPECT_EQ(entered.error().code, Code::kTimeout);
  EXPECT_EQ(place_->count("claims/create"), 0U);
  ASSERT_TRUE(claims_->leave_collect().ok());
  EXPECT_TRUE(claims_->enter(claims_->create_key("1"), {}, Deadline::after(Duration(0))).ok());
}

TEST_F(CollectorTest, removes_nothing_when_a_manifest_cannot_be_read) {
  const ChunkId a = put(1);
  (void)put(2);
  ASSERT_TRUE(store_->put_manifest(manifest("one", {a})).ok());
  place_->flip_bit("snapshots/one", 50);
  EXPECT_EQ(collect().error().code, Code::kCorrupt);
  EXPECT_EQ(place_->count("chunks/"), 2U);
  EXPECT_EQ(place_->count("claims/"), 0U);
}

TEST_F(CollectorTest, a_failure_at_any_call_removes_nothing_that_is_needed) {
  for (int fail_at = 0; fail_at < 40; ++fail_at) {
    SCOPED_TRACE(fail_at);
    const ChunkId a = put(1);
    (void)put(2);
    ASSERT_TRUE(store_->put_manifest(manifest("m" + std::to_string(fail_at), {a})).ok());
    int calls = 0;
    place_->set_refuse([&](MemoryPlace::Call, const std::string&) -> Status {
      if (calls++ == fail_at) return Error(Code::kIo, "refused");
      return {};
    });
    (void)collect();
    place_->set_refuse(nullptr);
    ByteVector into(kChunkBytes);
    ASSERT_TRUE(store_->get_chunk(a, into).ok());
    // What a crashed server left is taken back at its start.
    ASSERT_TRUE(claims_->clean([](const std::string&) { return false; }).ok());
    ASSERT_TRUE(collect().ok());
    EXPECT_EQ(place_->count("chunks/"), 1U);
    ASSERT_TRUE(store_->remove_manifest("m" + std::to_string(fail_at)).ok());
  }
}

TEST_F(CollectorTest, a_chunk_that_is_not_what_it_is_called_is_refused) {
  const ChunkId a = put(1);
  place_->flip_bit(chunk_key(a), 1000);
  ByteVector into(kChunkBytes);
  EXPECT_EQ(store_->get_chunk(a, into).error().code, Code::kCorrupt);
}

TEST_F(CollectorTest, two_snapshots_of_one_name_are_refused) {
  ASSERT_TRUE(store_->put_manifest(manifest("one", {})).ok());
  EXPECT_EQ(store_->put_manifest(manifest("one", {})).error().code, Code::kAlreadyExists);
  EXPECT_EQ(store_->manifest("two").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace strata::chunks
