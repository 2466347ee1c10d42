// What a snapshot in progress keeps of chunks that are being overwritten.
#include "blockdev/snapshot/copy_set.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <map>
#include <thread>

#include "blockdev/device/memory_device.h"
#include "common/io/memory_file_system.h"
#include "tests/support/block_io.h"

namespace strata::snapshot {
namespace {

using chunks::kChunkBytes;
using testing::AlignedBuffer;
using testing::BlockIo;
using Keep = CopySet::Keep;

constexpr uint64_t kBlock = CopySet::kBlockBytes;
// The last chunk ends inside a block.
constexpr uint64_t kCopySize = 2 * kChunkBytes + 3 * kBlock + 512;

class CopySetTest : public ::testing::Test {
 protected:
  CopySetTest()
      : device_(device::MemoryDevice::create(kCopySize).value()),
        io_(*device_),
        image_(BlockingIo::open(*device_).value()),
        room_(ChunkBuffer::create().value()) {}

  void fill(uint64_t offset, uint64_t length, uint8_t value) {
    AlignedBuffer data(length);
    std::memset(data.bytes().data(), value, length);
    ASSERT_EQ(io_.write(offset, data.bytes()), 0);
  }
  // As a queue and the office do before a write goes ahead.
  Keep overwrite(CopySet& copies, uint64_t offset, uint64_t length, uint8_t value) {
    const CopySet::Plan plan = copies.plan(offset, length);
    if (plan.run.count > 0) {
      if (auto piece = copies.room_for(plan.run)) {
        finish_keeping(copies, start_keeping(copies, plan.run, std::move(piece)));
      } else {
        copies.keep_blocks({plan.run}, *image_);
        ++kept_by_office_;
      }
    }
    if (plan.keep == Keep::kChunk) {
      copies.preserve({offset / kChunkBytes, (offset + length - 1) / kChunkBytes + 1}, *image_);
    }
    fill(offset, length, value);
    return plan.keep;
  }
  Keep overwrite(uint64_t offset, uint64_t length, uint8_t value) {
    return overwrite(copies_, offset, length, value);
  }
  struct Keeping {
    CopySet::BlockRun run;
    KeptRoom::Piece piece;
  };
  Keeping start_keeping(CopySet& copies, const CopySet::BlockRun& run, KeptRoom::Piece piece) {
    EXPECT_EQ(io_.read(run.offset(), {piece.get(), copies.bytes_inside(run)}), 0);
    return {run, std::move(piece)};
  }
  static void finish_keeping(CopySet& copies, Keeping keeping) {
    copies.kept(keeping.run, std::move(keeping.piece), {});
  }
  [[nodiscard]] Result<std::map<uint64_t, ByteVector>> copy_all(CopySet& copies) {
    std::map<uint64_t, ByteVector> out;
    for (;;) {
      TRY_ASSIGN(const auto chunk, copies.next(*image_, room_.bytes()));
      if (!chunk) return out;
      out[*chunk].assign(room_.bytes().begin(), room_.bytes().end());
    }
  }
  void expect_all(uint8_t value) { expect_all(copies_, value); }
  void expect_all(CopySet& copies, uint8_t value) {
    const auto copied = copy_all(copies);
    ASSERT_TRUE(copied.ok()) << copied.error().message;
    ASSERT_EQ(copied->size(), 3U);
    for (const auto& [chunk, bytes] : *copied) {
      ByteVector wanted(kChunkBytes);
      std::memset(wanted.data(), value, chunks::bytes_of_chunk(chunk, kCopySize));
      EXPECT_TRUE(bytes == wanted) << "chunk " << chunk;
    }
  }

  io::MemoryFileSystem files_;
  std::unique_ptr<device::MemoryDevice> device_;
  BlockIo io_;
  std::unique_ptr<BlockingIo> image_;
  ChunkBuffer room_;
  CopySet copies_{files_, "preserved"};
  int kept_by_office_ = 0;
};

TEST_F(CopySetTest, a_copy_has_the_kept_blocks_and_not_what_was_written_over_them) {
  fill(0, kCopySize, 1);
  ASSERT_TRUE(copies_.begin(nullptr, kCopySize).ok());
  EXPECT_EQ(overwrite(0, kBlock, 2), Keep::kBlocks);
  EXPECT_EQ(overwrite(512, 512, 3), Keep::kBlocks);  // what the first one wrote is kept by nobody
  EXPECT_EQ(overwrite(kBlock - 512, 1024, 4), Keep::kBlocks);
  EXPECT_EQ(overwrite(kChunkBytes - 512, 512, 5), Keep::kBlocks);
  EXPECT_EQ(overwrite(kCopySize - 1024, 1024, 6), Keep::kBlocks);
  expect_all(1);
  copies_.end();
  EXPECT_EQ(files_.info("preserved").error().code, Code::kNotFound);
}

TEST_F(CopySetTest, large_writes_and_many_small_ones_keep_the_chunk_with_its_kept_blocks) {
  fill(0, kCopySize, 1);
  ASSERT_TRUE(copies_.begin(nullptr, kCopySize).ok());
  EXPECT_EQ(overwrite(kBlock, kBlock, 2), Keep::kBlocks);
  EXPECT_EQ(overwrite(0, kBlock * (CopySet::kSmallWriteBlocksMax + 1), 3), Keep::kChunk);
  EXPECT_EQ(overwrite(kBlock, kBlock, 4), Keep::kNothing);
  for (size_t i = 0; i < CopySet::kBlocksKeptMax; ++i) {
    ASSERT_EQ(overwrite(kChunkBytes + i * kBlock, kBlock, 5), Keep::kBlocks);
  }
  EXPECT_EQ(overwrite(kChunkBytes, kBlock, 6), Keep::kBlocks);  // is kept already
  EXPECT_EQ(overwrite(2 * kChunkBytes - kBlock, kBlock, 7), Keep::kChunk);
  EXPECT_EQ(overwrite(2 * kChunkBytes - kBlock, 2 * kBlock, 8), Keep::kChunk);
  expect_all(1);
}

TEST_F(CopySetTest, what_is_copied_or_in_no_snapshot_is_not_kept) {
  fill(0, kCopySize, 1);
  const auto frozen = Bitmap::create().value();
  frozen->set(1);
  ASSERT_TRUE(copies_.begin(frozen.get(), kCopySize).ok());
  EXPECT_EQ(overwrite(0, kBlock, 2), Keep::kNothing);
  const auto copied = copy_all(copies_);
  ASSERT_TRUE(copied.ok());
  EXPECT_EQ(copied->size(), 1U);
  EXPECT_EQ(overwrite(kChunkBytes, kBlock, 2), Keep::kNothing);
  copies_.end();
  // The volume is longer than its snapshot: it has grown.
  ASSERT_TRUE(copies_.begin(nullptr, 2 * kChunkBytes + 512).ok());
  const CopySet::Plan past_end = copies_.plan(2 * kChunkBytes + kBlock, kBlock);
  EXPECT_EQ(past_end.keep, Keep::kBlocks);
  EXPECT_EQ(past_end.run.count, 0U);
  EXPECT_EQ(copies_.plan(3 * kChunkBytes, kBlock).keep, Keep::kNothing);
}

TEST_F(CopySetTest, when_nothing_can_be_kept_the_snapshot_fails_and_the_writers_go_on) {
  CopySet nowhere(files_, "missing/preserved", 0);
  ASSERT_TRUE(nowhere.begin(nullptr, kCopySize).ok());
  EXPECT_EQ(overwrite(nowhere, 0, kBlock, 2), Keep::kBlocks);
  EXPECT_EQ(overwrite(nowhere, kBlock, kBlock, 2), Keep::kNothing);
  EXPECT_EQ(nowhere.next(*image_, room_.bytes()).error().code, Code::kNotFound);
}

TEST_F(CopySetTest, blocks_that_could_not_be_read_fail_the_snapshot_and_the_writers_go_on) {
  ASSERT_TRUE(copies_.begin(nullptr, kCopySize).ok());
  const CopySet::Plan plan = copies_.plan(0, kBlock);
  copies_.kept(plan.run, copies_.room_for(plan.run), Error(Code::kIo, "unreadable"));
  EXPECT_EQ(overwrite(kBlock, kBlock, 2), Keep::kNothing);
  EXPECT_EQ(copies_.next(*image_, room_.bytes()).error().code, Code::kIo);
}

TEST_F(CopySetTest, what_memory_has_no_room_for_goes_to_the_scratch_file_and_room_is_used_again) {
  // One slab: as many pieces of a block as it has.
  constexpr size_t kPieces = KeptRoom::kSlabBytes / kBlock;
  constexpr size_t kChunks = kPieces / CopySet::kBlocksKeptMax + 1;
  device_ = device::MemoryDevice::create(kChunks * kChunkBytes).value();
  BlockIo io(*device_);
  image_ = BlockingIo::open(*device_).value();
  CopySet small(files_, "small", 1);
  ASSERT_TRUE(small.begin(nullptr, kChunks * kChunkBytes).ok());
  const auto overwrite_blocks = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      const uint64_t offset =
          i / CopySet::kBlocksKeptMax * kChunkBytes + i % CopySet::kBlocksKeptMax * 3 * kBlock;
      const CopySet::Plan plan = small.plan(offset, kBlock);
      ASSERT_EQ(plan.keep, Keep::kBlocks);
      ASSERT_EQ(plan.run.count, 1U);
      if (auto piece = small.room_for(plan.run)) {
        ASSERT_EQ(io.read(offset, {piece.get(), kBlock}), 0);
        small.kept(plan.run, std::move(piece), {});
      } else {
        small.keep_blocks({plan.run}, *image_);
        ++kept_by_office_;
      }
      AlignedBuffer data(kBlock);
      std::memset(data.bytes().data(), 7, kBlock);
      ASSERT_EQ(io.write(offset, data.bytes()), 0);
    }
  };
  overwrite_blocks(0, kPieces);
  EXPECT_EQ(kept_by_office_, 0);
  EXPECT_EQ(files_.info("small").error().code, Code::kNotFound);
  // A piece of another size would need a slab of its own.
  EXPECT_EQ(small.room_for({.chunk = kChunks - 1, .first = 0, .count = 2}), nullptr);
  overwrite_blocks(kPieces, kPieces + 8);
  EXPECT_EQ(kept_by_office_, 8);
  EXPECT_EQ(files_.info("small")->size_bytes, 8 * kBlock);
  const auto copied = small.next(*image_, room_.bytes());
  ASSERT_TRUE(copied.ok());
  EXPECT_EQ(**copied, 0U);
  overwrite_blocks(kPieces + 8, kPieces + 16);
  EXPECT_EQ(kept_by_office_, 8);
  size_t count = 1;
  for (;; ++count) {
    EXPECT_TRUE(chunks::is_zero(room_.bytes()));
    const auto next = small.next(*image_, room_.bytes());
    ASSERT_TRUE(next.ok());
    if (!*next) break;
  }
  EXPECT_EQ(count, kChunks);
  small.end();
  EXPECT_EQ(files_.info("small").error().code, Code::kNotFound);
}

TEST_F(CopySetTest, of_two_who_keep_the_same_block_the_first_one_counts) {
  fill(0, kCopySize, 1);
  ASSERT_TRUE(copies_.begin(nullptr, kCopySize).ok());
  const CopySet::Plan first = copies_.plan(0, 2 * kBlock);
  const CopySet::Plan second = copies_.plan(kBlock, 2 * kBlock);
  ASSERT_EQ(first.run.count, 2U);
  ASSERT_EQ(second.run.count, 2U);
  Keeping mine = start_keeping(copies_, first.run, copies_.room_for(first.run));
  finish_keeping(copies_, std::move(mine));
  fill(0, 2 * kBlock, 2);
  // The second one reads what the first one wrote, where they meet.
  Keeping other = start_keeping(copies_, second.run, copies_.room_for(second.run));
  finish_keeping(copies_, std::move(other));
  fill(kBlock, 2 * kBlock, 3);
  expect_all(1);
}

TEST_F(CopySetTest, a_piece_that_is_read_into_outlives_the_end) {
  ASSERT_TRUE(copies_.begin(nullptr, kCopySize).ok());
  const CopySet::Plan plan = copies_.plan(0, kBlock);
  KeptRoom::Piece piece = copies_.room_for(plan.run);
  copies_.end();
  std::memset(piece.get(), 1, kBlock);
  copies_.kept(plan.run, std::move(piece), {});
  EXPECT_EQ(overwrite(0, kBlock, 2), Keep::kNothing);
}

// A disk whose reads at an offset wait until they are let go.
class HeldReads final : public device::BlockDevice {
 public:
  explicit HeldReads(device::BlockDevice& inner) : inner_(inner) {}
  [[nodiscard]] device::Geometry geometry() const noexcept override { return inner_.geometry(); }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override {
    return inner_.capabilities();
  }
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
    TRY_ASSIGN(auto inner, inner_.open_queue(ring));
    return std::unique_ptr<device::BlockQueue>(std::make_unique<Queue>(*this, std::move(inner)));
  }

  std::array<std::promise<void>, 2> reached;  // a read of the first chunk, of the second one
  std::array<std::promise<void>, 2> let_go;

 private:
  struct Queue final : device::BlockQueue {
    Queue(HeldReads& owner, std::unique_ptr<device::BlockQueue> next)
        : device(owner), inner(std::move(next)) {}
    void submit(device::IoRequest& request) noexcept override {
      const uint64_t chunk = request.offset / kChunkBytes;
      if (request.op == device::Op::kRead && chunk < 2) {
        device.reached.at(chunk).set_value();
        device.let_go.at(chunk).get_future().wait();
      }
      inner->submit(request);
    }
    HeldReads& device;
    std::unique_ptr<device::BlockQueue> inner;
  };
  device::BlockDevice& inner_;
};

// A write of two chunks waits for a copier that took the second one meanwhile.
TEST_F(CopySetTest, a_chunk_that_a_copier_takes_while_another_one_is_preserved_is_waited_for) {
  fill(0, kCopySize, 1);
  HeldReads held(*device_);
  const auto frozen = Bitmap::create().value();
  frozen->set_range({0, 2});
  ASSERT_TRUE(copies_.begin(frozen.get(), kCopySize).ok());
  std::atomic<bool> preserved{false};
  std::thread office([&] {
    const auto image = BlockingIo::open(held).value();
    copies_.preserve({0, 2}, *image);
    preserved = true;
    fill(0, 2 * kChunkBytes, 2);
  });
  held.reached[0].get_future().wait();
  // The first one is being preserved: a small write to it still has to keep its blocks.
  EXPECT_EQ(overwrite(3 * kBlock, kBlock, 3), Keep::kBlocks);
  ByteVector second;
  std::thread copier([&] {
    const auto image = BlockingIo::open(held).value();
    auto buffer = ChunkBuffer::create().value();
    EXPECT_EQ(*copies_.next(*image, buffer.bytes()).value(), 1U);
    second.assign(buffer.bytes().begin(), buffer.bytes().end());
  });
  held.reached[1].get_future().wait();
  held.let_go[0].set_value();
  // The first one is there for a copier when its preserving has ended.
  EXPECT_EQ(*copies_.next(*image_, room_.bytes()).value(), 0U);
  const ByteVector first(room_.bytes().begin(), room_.bytes().end());
  EXPECT_FALSE(preserved);
  held.let_go[1].set_value();
  copier.join();
  office.join();
  ByteVector wanted(kChunkBytes);
  std::memset(wanted.data(), 1, wanted.size());
  EXPECT_TRUE(first == wanted);
  EXPECT_TRUE(second == wanted);
}

}  // namespace
}  // namespace strata::snapshot
