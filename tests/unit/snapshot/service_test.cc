#include "blockdev/snapshot/service.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

#include "tests/support/seeds.h"
#include "tests/support/snapshot_fixture.h"

namespace strata::snapshot {
namespace {

using chunks::kChunkBytes;
using testing::AlignedBuffer;
using testing::BlockIo;

constexpr uint64_t kServiceSize = 8 * kChunkBytes + 8192;

class SnapshotTest : public ::testing::Test, protected testing::SnapshotFixture {
 protected:
  SnapshotTest() { EXPECT_TRUE(catalog().create("db", kServiceSize).ok()); }
  void fill(const std::string& volume, uint64_t offset, uint64_t length, uint8_t value,
            int32_t expected = 0) {
    const auto lease = catalog().lease(volume).value();
    BlockIo io(lease->device());
    AlignedBuffer data(length);
    std::memset(data.bytes().data(), value, length);
    EXPECT_EQ(io.write(offset, data.bytes()), expected);
  }
  void hydrate_all() {
    for (int i = 0; i < 100; ++i) {
      const auto more = hydrate_once();
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) return;
    }
    FAIL() << "the hydration does not end";
  }
};

TEST_F(SnapshotTest, is_what_the_volume_was_and_stays_so) {
  fill("db", 4096, 3 * kChunkBytes, 1);
  fill("db", kServiceSize - 4096, 4096, 2);
  const ByteVector then = volume_bytes("db");
  ASSERT_TRUE(snapshot("db", "s1").ok());
  fill("db", 0, kServiceSize, 3);
  EXPECT_TRUE(snapshot_bytes("s1") == then);
  const auto info = service().show("s1", "own").value();
  EXPECT_EQ(info.size_bytes, kServiceSize);
  // Chunks 0, 1, 2, 3 and the last; two of the four in the middle are the same.
  EXPECT_EQ(info.data_bytes, 5 * kChunkBytes);
  EXPECT_EQ(info.new_bytes, 4 * kChunkBytes);
  EXPECT_EQ(place().count("chunks/"), 4U);
}

TEST_F(SnapshotTest, the_next_one_reads_and_stores_only_what_changed) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  fill("db", 3 * kChunkBytes + 512, 512, 9);
  const auto job = service().create("db", "s2", "own", 0);
  ASSERT_TRUE(finish(job).ok());
  EXPECT_EQ(service().jobs().show(*job)->total_bytes, kChunkBytes);
  EXPECT_EQ(service().show("s2", "own")->parent_id, service().show("s1", "own")->id);
  EXPECT_EQ(service().show("s2", "own")->new_bytes, kChunkBytes);
  EXPECT_TRUE(snapshot_bytes("s2") == volume_bytes("db"));
  const std::vector<chunks::ChangedRange> wanted = {{3 * kChunkBytes, kChunkBytes}};
  EXPECT_EQ(service().diff("s1", "s2", "own").value(), wanted);
}

TEST_F(SnapshotTest, changes_are_remembered_across_a_restart) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  fill("db", kChunkBytes, 4096, 2);
  close();
  open();
  fill("db", 5 * kChunkBytes, 4096, 3);
  const auto job = service().create("db", "s2", "own", 0);
  ASSERT_TRUE(finish(job).ok());
  EXPECT_EQ(service().jobs().show(*job)->total_bytes, 2 * kChunkBytes);
  EXPECT_TRUE(snapshot_bytes("s2") == volume_bytes("db"));
}

TEST_F(SnapshotTest, a_base_that_was_deleted_is_done_without) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  ASSERT_TRUE(service().remove("s1", "own").ok());
  ASSERT_TRUE(collect().ok());
  EXPECT_EQ(place().count("chunks/"), 0U);
  ASSERT_TRUE(snapshot("db", "s2").ok());
  EXPECT_TRUE(snapshot_bytes("s2") == volume_bytes("db"));
}

TEST_F(SnapshotTest, what_fails_leaves_no_snapshot_and_forgets_no_change) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  fill("db", 2 * kChunkBytes, 4096, 2);
  place().set_refuse([](chunks::MemoryPlace::Call call, const std::string& key) -> Status {
    if (call == chunks::MemoryPlace::Call::kPut && key.starts_with("chunks/")) {
      return Error(Code::kIo, "refused");
    }
    return {};
  });
  EXPECT_EQ(snapshot("db", "s2").error().code, Code::kIo);
  place().set_refuse(nullptr);
  EXPECT_EQ(service().show("s2", "own").error().code, Code::kNotFound);
  fill("db", 6 * kChunkBytes, 4096, 3);
  ASSERT_TRUE(snapshot("db", "s2").ok());
  EXPECT_TRUE(snapshot_bytes("s2") == volume_bytes("db"));
  EXPECT_EQ(place().count("claims/"), 0U);
}

TEST_F(SnapshotTest, a_name_that_is_taken_is_refused_and_the_volume_goes_on) {
  ASSERT_TRUE(snapshot("db", "s1").ok());
  EXPECT_EQ(snapshot("db", "s1").error().code, Code::kAlreadyExists);
  EXPECT_EQ(snapshot("nosuch", "s2").error().code, Code::kNotFound);
  EXPECT_EQ(snapshot("db", "a/b").error().code, Code::kInvalidArgument);
  fill("db", 0, 4096, 1);
}

// Writers that number their writes: each writes n to block A, waits for the answer, then n to block
// B in another chunk. At every instant B <= A <= B + 1.
TEST_F(SnapshotTest, is_one_instant_of_all_queues_while_they_write) {
  constexpr int kWriters = 3;
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  std::atomic<int> begun{0};
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      const auto lease = catalog().lease("db").value();
      BlockIo io(lease->device());
      AlignedBuffer data(4096);
      for (uint64_t n = 1; !stop.load(); ++n) {
        std::memcpy(data.bytes().data(), &n, sizeof n);
        EXPECT_EQ(io.write(static_cast<uint64_t>(w) * 8192, data.bytes()), 0);
        EXPECT_EQ(io.write(5 * kChunkBytes + static_cast<uint64_t>(w) * 8192, data.bytes()), 0);
        if (n == 1) ++begun;
      }
    });
  }
  while (begun.load() < kWriters) std::this_thread::yield();
  for (int i = 0; i < 4; ++i) {
    const std::string name = "s" + std::to_string(i);
    ASSERT_TRUE(snapshot("db", name).ok());
    const ByteVector bytes = snapshot_bytes(name);
    for (uint64_t w = 0; w < kWriters; ++w) {
      uint64_t a = 0;
      uint64_t b = 0;
      std::memcpy(&a, &bytes[w * 8192], sizeof a);
      std::memcpy(&b, &bytes[5 * kChunkBytes + w * 8192], sizeof b);
      EXPECT_TRUE(a == b || a == b + 1) << name << " writer " << w << ": " << a << " and " << b;
    }
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
}

TEST_F(SnapshotTest, a_restored_volume_is_the_snapshot_before_anything_was_fetched) {
  fill("db", 4096, 4 * kChunkBytes, 1);
  const ByteVector then = volume_bytes("db");
  ASSERT_TRUE(snapshot("db", "s1").ok());
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  EXPECT_TRUE(volume_bytes("copy") == then);
  EXPECT_EQ(catalog().create("copy", kServiceSize).error().code, Code::kAlreadyExists);
}

TEST_F(SnapshotTest, writes_to_parts_of_chunks_that_were_not_fetched_keep_the_rest) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  ByteVector wanted = volume_bytes("db");
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  fill("copy", kChunkBytes + 100, 1000, 7);
  std::memset(&wanted[kChunkBytes + 100], 7, 1000);
  fill("copy", 3 * kChunkBytes - 4096, 8192, 8);
  std::memset(&wanted[3 * kChunkBytes - 4096], 8, 8192);
  EXPECT_TRUE(volume_bytes("copy") == wanted);
  close();
  open();
  EXPECT_TRUE(volume_bytes("copy") == wanted);
  hydrate_all();
  EXPECT_TRUE(volume_bytes("copy") == wanted);
  EXPECT_TRUE(service().hydrating().empty());
  EXPECT_EQ(place().count("claims/"), 0U);
  EXPECT_TRUE(volume_bytes("db") == snapshot_bytes("s1"));
}

TEST_F(SnapshotTest, a_hydrated_volume_needs_its_snapshot_no_more) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  const ByteVector then = volume_bytes("db");
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  ASSERT_TRUE(service().remove("s1", "own").ok());
  // Deleted, and still there for the volume.
  ASSERT_TRUE(collect().ok());
  EXPECT_GT(place().count("chunks/"), 0U);
  hydrate_all();
  ASSERT_TRUE(collect().ok());
  EXPECT_EQ(place().count("chunks/"), 0U);
  close();
  open();
  EXPECT_TRUE(volume_bytes("copy") == then);
}

TEST_F(SnapshotTest, a_chunk_that_cannot_be_fetched_is_an_error_of_that_request_only) {
  fill("db", 0, kChunkBytes, 1);
  fill("db", kChunkBytes, kChunkBytes, 2);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  const auto lease = catalog().lease("copy").value();
  BlockIo io(lease->device());
  AlignedBuffer data(4096);
  ASSERT_EQ(io.read(0, data.bytes()), 0);
  place().set_refuse([](chunks::MemoryPlace::Call call, const std::string&) -> Status {
    if (call == chunks::MemoryPlace::Call::kGet) return Error(Code::kTimeout, "slow");
    return {};
  });
  EXPECT_EQ(io.read(kChunkBytes, data.bytes()), -EIO);
  EXPECT_EQ(io.write(kChunkBytes, data.bytes()), -EIO);
  EXPECT_EQ(io.read(0, data.bytes()), 0);
  EXPECT_EQ(io.write(0, data.bytes()), 0);
  EXPECT_FALSE(hydrate_once().ok());
  place().set_refuse(nullptr);
  EXPECT_EQ(io.read(kChunkBytes, data.bytes()), 0);
  EXPECT_EQ(data.bytes()[0], std::byte{2});
}

TEST_F(SnapshotTest, a_damaged_chunk_is_never_given_out) {
  fill("db", 0, kChunkBytes, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  const ByteVector chunk(kChunkBytes, std::byte{1});
  place().flip_bit(chunks::chunk_key(chunks::chunk_id(chunk)), 4000);
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  AlignedBuffer data(4096);
  {
    const auto lease = catalog().lease("copy").value();
    BlockIo io(lease->device());
    EXPECT_EQ(io.read(0, data.bytes()), -EIO);
  }
  {
    const auto lease = service().lease("s1").value();
    BlockIo io(lease->device());
    EXPECT_EQ(io.read(0, data.bytes()), -EIO);
    EXPECT_EQ(io.write(0, data.bytes()), -EPERM);
    EXPECT_EQ(service().remove("s1", "own").error().code, Code::kConflict);
  }
  EXPECT_EQ(finish(service().verify("s1", "own")).error().code, Code::kCorrupt);
}

TEST_F(SnapshotTest, holes_are_told_of_a_snapshot_and_not_of_what_is_still_fetched) {
  fill("db", 2 * kChunkBytes, kChunkBytes, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  std::array<device::Extent, 8> extents;
  BlockIo::Pending request;
  request.op = device::Op::kBlockStatus;
  request.length = kServiceSize;
  request.extents = extents;
  {
    const auto lease = service().lease("s1").value();
    BlockIo io(lease->device());
    io.start(request);
    io.wait(request);
    ASSERT_EQ(request.error, 0);
    ASSERT_EQ(request.extent_count, 3U);
    EXPECT_TRUE(extents[0].zero && extents[0].length == 2 * kChunkBytes);
    EXPECT_TRUE(!extents[1].zero && extents[1].length == kChunkBytes);
    EXPECT_TRUE(extents[2].zero && extents[2].length == kServiceSize - 3 * kChunkBytes);
  }
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  const auto lease = catalog().lease("copy").value();
  BlockIo io(lease->device());
  request.done = false;
  request.extent_count = 0;
  io.start(request);
  io.wait(request);
  ASSERT_EQ(request.error, 0);
  ASSERT_EQ(request.extent_count, 1U);
  EXPECT_FALSE(extents[0].zero || extents[0].hole);
}

TEST_F(SnapshotTest, of_a_volume_that_is_still_fetched_names_what_its_origin_has) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  fill("copy", kChunkBytes, 4096, 5);
  ASSERT_TRUE(snapshot("copy", "s2").ok());
  EXPECT_EQ(service().show("s2", "own")->new_bytes, kChunkBytes);
  EXPECT_EQ(service().show("s2", "own")->data_bytes, 9 * kChunkBytes);
  EXPECT_FALSE(service().hydrating().empty());
  // The same in another place has no base there: everything is fetched first.
  ASSERT_TRUE(finish(service().create("copy", "s3", "s3://other", 0)).ok());
  EXPECT_TRUE(snapshot_bytes("s2") == volume_bytes("copy"));
}

TEST_F(SnapshotTest, a_restored_volume_can_be_removed_while_it_is_fetched) {
  fill("db", 0, kServiceSize, 1);
  ASSERT_TRUE(snapshot("db", "s1").ok());
  ASSERT_TRUE(service().restore("s1", "own", "copy").ok());
  ASSERT_TRUE(hydrate_once().ok());
  EXPECT_TRUE(catalog().remove("copy").ok());
  close();
  open();
  EXPECT_EQ(place().count("claims/"), 0U);
}

TEST_F(SnapshotTest, a_slow_place_holds_up_no_writer) {
  fill("db", 0, kServiceSize, 1);
  std::atomic<bool> go{false};
  place().set_refuse([&](chunks::MemoryPlace::Call call, const std::string& key) -> Status {
    while (call == chunks::MemoryPlace::Call::kPut && key.starts_with("chunks/") && !go.load()) {
      std::this_thread::yield();
    }
    return {};
  });
  const ByteVector then = volume_bytes("db");
  const auto job = service().create("db", "s1", "own", 0);
  while (service().jobs().show(*job)->total_bytes == 0) std::this_thread::yield();
  // Every chunk is preserved, though nothing can be stored.
  fill("db", 0, kServiceSize, 2);
  EXPECT_EQ(service().create("db", "s2", "own", 0).error().code, Code::kConflict);
  EXPECT_EQ(catalog().remove("db").error().code, Code::kConflict);
  go = true;
  ASSERT_TRUE(finish(job).ok());
  place().set_refuse(nullptr);
  EXPECT_TRUE(snapshot_bytes("s1") == then);
}

// The place takes a chunk now and then, while blocks, ranges and whole chunks are overwritten.
TEST_F(SnapshotTest, whatever_is_written_while_it_is_made_the_snapshot_is_the_instant) {
  tests::for_seeds(1, [this](uint64_t seed) {
    SeededRandom random(seed);
    std::atomic<int> permits{0};
    std::atomic<bool> go{false};
    place().set_refuse([&](chunks::MemoryPlace::Call call, const std::string& key) -> Status {
      if (call != chunks::MemoryPlace::Call::kPut || !key.starts_with("chunks/")) return {};
      while (permits.load() == 0 && !go.load()) std::this_thread::yield();
      --permits;
      return {};
    });
    const std::string name = "s" + std::to_string(seed);
    ByteVector now = volume_bytes("db");
    const ByteVector then = now;
    const auto job = service().create("db", name, "own", 0);
    while (service().jobs().show(*job)->total_bytes == 0) std::this_thread::yield();
    {
      const auto lease = catalog().lease("db").value();
      BlockIo io(lease->device());
      for (int i = 0; i < 150; ++i) {
        const uint64_t blocks = 1 + random.below(random.below(20) == 0 ? 1500 : 12);
        const uint64_t offset = random.below(kServiceSize / 512 - blocks + 1) * 512;
        AlignedBuffer data(blocks * 512);
        std::memset(data.bytes().data(), static_cast<int>(random.below(256)), blocks * 512);
        ASSERT_EQ(io.write(offset, data.bytes()), 0);
        std::memcpy(&now[offset], data.bytes().data(), blocks * 512);
        if (random.below(20) == 0) ++permits;
      }
    }
    go = true;
    const auto made = finish(job);
    place().set_refuse(nullptr);
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_TRUE(snapshot_bytes(name) == then);
    EXPECT_TRUE(volume_bytes("db") == now);
    ASSERT_TRUE(service().remove(name, "own").ok());
  });
}

// The writers never pause: the copiers do, for a bounded time.
TEST_F(SnapshotTest, ends_while_its_volume_is_written_to_without_a_break) {
  static_assert(copier_pause(std::chrono::milliseconds(1)) == std::chrono::milliseconds(2));
  static_assert(copier_pause(std::chrono::hours(1)) == kPauseMax);
  fill("db", 0, kServiceSize, 1);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> written{0};
  std::thread writer([&] {
    const auto lease = catalog().lease("db").value();
    BlockIo io(lease->device());
    AlignedBuffer data(4096);
    for (uint64_t n = 0; !stop.load(); ++n) {
      std::memcpy(data.bytes().data(), &n, sizeof n);
      EXPECT_EQ(io.write(n * 7 % (kServiceSize / 4096) * 4096, data.bytes()), 0);
      written.store(n + 1);
    }
  });
  while (written.load() == 0) std::this_thread::yield();
  const auto made = snapshot("db", "s1");
  const uint64_t before_the_end = written.load();
  stop = true;
  writer.join();
  EXPECT_TRUE(made.ok());
  EXPECT_GT(before_the_end, 1U);
}

TEST_F(SnapshotTest, one_that_is_cancelled_leaves_nothing_but_chunks) {
  fill("db", 0, kServiceSize, 1);
  const auto job = service().create("db", "s1", "own", 1);  // one byte a second
  ASSERT_TRUE(service().jobs().cancel(*job).ok());
  EXPECT_EQ(finish(job).error().code, Code::kConflict);
  EXPECT_EQ(service().show("s1", "own").error().code, Code::kNotFound);
  ASSERT_TRUE(collect().ok());
  EXPECT_EQ(place().count(""), 0U);
  fill("db", 0, kServiceSize, 2);
}

}  // namespace
}  // namespace strata::snapshot
