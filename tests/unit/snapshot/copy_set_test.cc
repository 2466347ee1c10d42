// What a snapshot in progress keeps of chunks that are being overwritten.
#include "blockdev/snapshot/copy_set.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

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
  // As the office does before it lets a write go.
  Keep overwrite(uint64_t offset, uint64_t length, uint8_t value) {
    std::vector<CopySet::BlockRun> runs;
    const Keep keep = copies_.plan(offset, length, runs);
    if (keep == Keep::kBlocks) copies_.keep_blocks(runs, room_.bytes(), *image_);
    if (keep == Keep::kChunk) {
      copies_.preserve({offset / kChunkBytes, (offset + length - 1) / kChunkBytes + 1}, *image_);
    }
    fill(offset, length, value);
    return keep;
  }
  [[nodiscard]] Result<std::map<uint64_t, ByteVector>> copy_all() {
    std::map<uint64_t, ByteVector> out;
    for (;;) {
      TRY_ASSIGN(const auto chunk, copies_.next(*image_, room_.bytes()));
      if (!chunk) return out;
      out[*chunk].assign(room_.bytes().begin(), room_.bytes().end());
    }
  }
  void expect_all(uint8_t value) {
    const auto copied = copy_all();
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
  const auto copied = copy_all();
  ASSERT_TRUE(copied.ok());
  EXPECT_EQ(copied->size(), 1U);
  EXPECT_EQ(overwrite(kChunkBytes, kBlock, 2), Keep::kNothing);
  copies_.end();
  // The volume is longer than its snapshot: it has grown.
  ASSERT_TRUE(copies_.begin(nullptr, 2 * kChunkBytes + 512).ok());
  std::vector<CopySet::BlockRun> runs;
  EXPECT_EQ(copies_.plan(2 * kChunkBytes + kBlock, kBlock, runs), Keep::kBlocks);
  EXPECT_TRUE(runs.empty());
  EXPECT_EQ(copies_.plan(3 * kChunkBytes, kBlock, runs), Keep::kNothing);
}

TEST_F(CopySetTest, when_nothing_can_be_kept_the_snapshot_fails_and_the_writers_go_on) {
  CopySet nowhere(files_, "missing/preserved");
  ASSERT_TRUE(nowhere.begin(nullptr, kCopySize).ok());
  std::vector<CopySet::BlockRun> runs;
  ASSERT_EQ(nowhere.plan(0, kBlock, runs), Keep::kBlocks);
  nowhere.keep_blocks(runs, room_.bytes(), *image_);
  EXPECT_EQ(nowhere.plan(kBlock, kBlock, runs), Keep::kNothing);
  EXPECT_EQ(nowhere.next(*image_, room_.bytes()).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace strata::snapshot
