// CopySet: the chunks that a snapshot in progress still has to copy, and those that were kept for
// it because they are about to be overwritten.
//
// The copiers take chunks with next(); whoever must overwrite bytes of one keeps them first, in one
// of two ways:
//
//   blocks   a small write keeps the 4 KiB blocks that it touches: in memory, where its own queue
//            reads them (room_for, kept), or, when there is no more room, in the scratch file, by
//            the office (keep_blocks). The chunk stays closed. Whoever copies it puts the kept
//            blocks over what it read, so it need not keep writers away while it reads.
//   a chunk  a large write, and one more to a chunk of which many blocks are kept already, keeps
//            all of the chunk, which can then be opened. Kept chunks wait in memory, and in the
//            scratch file when there are many.
//
// So a slow place for the snapshot costs disk space and not the writers' time: what is kept is
// appended to the scratch file, which holds at most what the volume does, and as much again for
// blocks. Its space is used once. It need not be durable: a crash ends the snapshot.
//
// If keeping fails the snapshot fails and the writers go on.
//
// Invariants
//   1. A block is kept before the first write to it since the instant is let go. So of a chunk that
//      is still to be copied the image has the instant's bytes everywhere but in blocks that are
//      kept, whatever is being written there.
//   2. Of two who read the same block to keep it the first one to say so counts: until then nobody
//      has written to it.
//
// Thread rule: begin, keep_blocks, preserve and end by the volume's office; plan, room_for and kept
// from any thread, without blocking for long; next by any number of copiers, each with its own
// BlockingIo, none of them at the time of end.
#pragma once

#include <bitset>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "blockdev/snapshot/bitmap.h"
#include "blockdev/snapshot/blocking_io.h"
#include "blockdev/snapshot/kept_room.h"
#include "common/io/file_system.h"

namespace strata::snapshot {

class CopySet {
 public:
  // Preserved chunks in memory: 16 MiB; more go to the scratch file.
  static constexpr size_t kInMemoryMax = 32;
  static constexpr uint64_t kBlockBytes = KeptRoom::kBlockBytes;
  static constexpr size_t kBlocksPerChunk = chunks::kChunkBytes / kBlockBytes;
  // Blocks that a write touches at most to be a small one.
  static constexpr size_t kSmallWriteBlocksMax = KeptRoom::kPieceBlocksMax;
  // Kept blocks of a chunk: reading 512 KiB once takes about as long as keeping so many.
  static constexpr size_t kBlocksKeptMax = 32;
  // Kept runs of all chunks together, in memory and in the scratch file: bounds the memory for
  // knowing where they are (20 MiB).
  static constexpr size_t kRunsMax = 131072;

  // What must be kept before a write may go ahead.
  enum class Keep : uint8_t { kNothing, kBlocks, kChunk };
  // Neighbouring blocks of one chunk.
  struct BlockRun {
    uint64_t chunk = 0;
    size_t first = 0;
    size_t count = 0;  // at most kSmallWriteBlocksMax
    [[nodiscard]] uint64_t offset() const noexcept {
      return chunk * chunks::kChunkBytes + first * kBlockBytes;
    }
  };
  // kBlocks: the run has what is not kept yet, perhaps with what is in between; it is empty when
  // all is kept, and then the write may go ahead.
  struct Plan {
    Keep keep = Keep::kNothing;
    BlockRun run{};
  };

  // scratch_path: a file that nobody else uses; removed at the end. files outlives this. slabs_max:
  // of the memory for kept blocks.
  CopySet(io::FileSystem& files, std::string scratch_path, size_t slabs_max = KeptRoom::kSlabsMax)
      : files_(files), scratch_path_(std::move(scratch_path)), slabs_max_(slabs_max) {}

  // The chunks of a volume of that size that are in `frozen` (nullptr: all) are to be copied.
  [[nodiscard]] Status begin(const Bitmap* frozen, uint64_t size_bytes);
  // For a write to these bytes.
  [[nodiscard]] Plan plan(uint64_t offset, uint64_t length) const;
  // Memory for the run's bytes; nullptr: there is no more, and the office has to keep it.
  [[nodiscard]] KeptRoom::Piece room_for(const BlockRun& run);
  // Of the run, the bytes that are inside the snapshot: what is to be read.
  [[nodiscard]] uint64_t bytes_inside(const BlockRun& run) const;
  // The run's bytes were read into the piece, or could not be.
  void kept(const BlockRun& run, KeptRoom::Piece piece, const Status& read);
  // Reads the runs and keeps them, in memory or in the scratch file.
  void keep_blocks(const std::vector<BlockRun>& runs, BlockingIo& image);
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
  struct InScratch {
    uint64_t chunk = 0;
    uint64_t offset = 0;
  };
  // Where the kept bytes of a run are, and which of its blocks count.
  struct KeptRun {
    uint8_t first = 0;
    uint8_t blocks = 0;     // bit i: first + i
    KeptRoom::Piece piece;  // or, if there is none,
    uint64_t offset = 0;    // in the scratch file
  };
  struct KeptChunk {
    std::bitset<kBlocksPerChunk> blocks;
    std::vector<KeptRun> runs;
  };
  [[nodiscard]] bool needed(uint64_t chunk) const;
  [[nodiscard]] bool none_being_read(ChunkRange range) const;
  [[nodiscard]] std::optional<uint64_t> choose();
  [[nodiscard]] Result<std::optional<uint64_t>> next_preserved(std::unique_lock<std::mutex>& lock,
                                                               MutableBytes into);
  [[nodiscard]] Status preserve_one(uint64_t chunk, BlockingIo& image);
  [[nodiscard]] Status read_and_keep(std::span<const BlockRun> runs, BlockingIo& image);
  [[nodiscard]] Result<uint64_t> append_to_scratch(Bytes bytes);
  void note_kept(const BlockRun& run, KeptRoom::Piece piece, uint64_t offset);
  [[nodiscard]] KeptChunk take_kept(uint64_t chunk);
  [[nodiscard]] Status put_over(const KeptChunk& kept, uint64_t chunk, MutableBytes bytes);
  [[nodiscard]] uint64_t inside(const BlockRun& run) const noexcept;
  void forget_kept() noexcept;
  void fail(const Error& error);

  io::FileSystem& files_;
  const std::string scratch_path_;
  const size_t slabs_max_;
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
  std::deque<InScratch> in_scratch_;
  std::shared_ptr<KeptRoom> room_;
  std::unordered_map<uint64_t, KeptChunk> partly_kept_;  // of chunks that are needed
  std::deque<uint64_t> partly_kept_order_;  // the oldest first; some are copied already
  size_t runs_ = 0;                         // in partly_kept_
  std::unique_ptr<io::File> scratch_;
  uint64_t scratch_end_ = 0;  // the office's own
  std::optional<Error> error_;
};

}  // namespace strata::snapshot
