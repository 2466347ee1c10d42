// CopySet: the chunks that a snapshot in progress still has to copy, and those that were kept for
// it because they are about to be overwritten.
//
// The copiers take chunks with next(); whoever must overwrite bytes of one keeps them first, in one
// of two ways:
//
//   blocks   a small write keeps the 4 KiB blocks that it touches, in a sparse scratch file at the
//            place that they have in the volume. The chunk stays closed. Whoever copies it puts the
//            kept blocks over what it read, so it need not keep writers away while it reads.
//   a chunk  a large write, and one more to a chunk of which many blocks are kept already, keeps
//            all of the chunk, which can then be opened. Kept chunks wait in memory, and in the
//            scratch file when there are many: a slow place for the snapshot costs disk space and
//            not the writers' time.
//
// If keeping fails the snapshot fails and the writers go on.
//
// Invariant: a block is kept before the first write to it since the instant is let go. So of a
// chunk that is still to be copied the image has the instant's bytes everywhere but in blocks that
// are kept, whatever is being written there.
//
// Thread rule: begin, plan, keep_blocks, preserve and end by the volume's office; next by any
// number of copiers, each with its own BlockingIo, none of them at the time of end.
#pragma once

#include <bitset>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "blockdev/snapshot/bitmap.h"
#include "blockdev/snapshot/blocking_io.h"
#include "common/io/file_system.h"

namespace strata::snapshot {

class CopySet {
 public:
  // Preserved chunks in memory: 16 MiB; more go to the scratch file.
  static constexpr size_t kInMemoryMax = 32;
  static constexpr uint64_t kBlockBytes = 4096;
  static constexpr size_t kBlocksPerChunk = chunks::kChunkBytes / kBlockBytes;
  // Blocks that a write touches at most to be a small one.
  static constexpr size_t kSmallWriteBlocksMax = 8;
  // Kept blocks of a chunk: reading 512 KiB once takes about as long as keeping so many.
  static constexpr size_t kBlocksKeptMax = 32;
  // Chunks of which blocks are kept, at once: bounds the memory for knowing which (2 MiB).
  static constexpr size_t kPartlyKeptMax = 32768;

  // What must be kept before a write may go ahead.
  enum class Keep : uint8_t { kNothing, kBlocks, kChunk };
  // Neighbouring blocks of one chunk.
  struct BlockRun {
    uint64_t chunk = 0;
    size_t first = 0;
    size_t count = 0;
    [[nodiscard]] uint64_t offset() const noexcept {
      return chunk * chunks::kChunkBytes + first * kBlockBytes;
    }
  };

  // scratch_path: a file that nobody else uses; removed at the end. files outlives this.
  CopySet(io::FileSystem& files, std::string scratch_path)
      : files_(files), scratch_path_(std::move(scratch_path)) {}

  // The chunks of a volume of that size that are in `frozen` (nullptr: all) are to be copied.
  [[nodiscard]] Status begin(const Bitmap* frozen, uint64_t size_bytes);
  // Of a write to these bytes. kBlocks: the runs to keep are appended, none if all are kept
  // already; when they are, this write may go ahead, and no other.
  [[nodiscard]] Keep plan(uint64_t offset, uint64_t length, std::vector<BlockRun>& runs) const;
  // Reads the runs and keeps them. `room` has room for all of them.
  void keep_blocks(const std::vector<BlockRun>& runs, MutableBytes room, BlockingIo& image);
  // When it returns nothing in the range needs copying any more.
  void preserve(ChunkRange range, BlockingIo& image);
  // The next chunk and its bytes; nullopt when all are copied.
  [[nodiscard]] Result<std::optional<uint64_t>> next(BlockingIo& image, MutableBytes into);
  void end();

  [[nodiscard]] uint64_t total() const;
  [[nodiscard]] uint64_t taken() const;
  [[nodiscard]] uint64_t size_bytes() const;

 private:
  struct Preserved {
    uint64_t chunk = 0;
    ChunkBuffer bytes;
  };
  using BlockSet = std::bitset<kBlocksPerChunk>;
  [[nodiscard]] bool needed(uint64_t chunk) const;
  [[nodiscard]] std::optional<uint64_t> choose();
  [[nodiscard]] Result<std::optional<uint64_t>> next_preserved(std::unique_lock<std::mutex>& lock,
                                                               MutableBytes into);
  [[nodiscard]] Status preserve_one(uint64_t chunk, BlockingIo& image);
  [[nodiscard]] Status read_runs(const std::vector<BlockRun>& runs, MutableBytes room,
                                 BlockingIo& image);
  [[nodiscard]] Status open_scratch();
  [[nodiscard]] BlockSet take_kept(uint64_t chunk);
  [[nodiscard]] Status put_over(uint64_t chunk, const BlockSet& kept, MutableBytes bytes);
  [[nodiscard]] uint64_t bytes_inside(const BlockRun& run) const noexcept;
  void fail(const Error& error);

  io::FileSystem& files_;
  const std::string scratch_path_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a copier has read its chunk, or one has been preserved
  std::unique_ptr<Bitmap> pending_;  // bits set and cleared under mutex_
  uint64_t size_bytes_ = 0;
  uint64_t total_ = 0;
  uint64_t taken_ = 0;
  uint64_t cursor_ = 0;
  uint32_t preserving_ = 0;
  std::vector<uint64_t> being_read_;
  std::deque<Preserved> in_memory_;
  std::deque<uint64_t> in_scratch_;
  std::unordered_map<uint64_t, BlockSet> partly_kept_;  // of chunks that are needed
  std::deque<uint64_t> partly_kept_order_;              // the oldest first; some are copied already
  std::unique_ptr<io::File> scratch_;
  std::optional<Error> error_;
};

}  // namespace strata::snapshot
