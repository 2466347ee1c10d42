// CopySet: the chunks that a snapshot in progress still has to copy, and those that were kept for
// it because they are about to be overwritten.
//
// The copier takes chunks with next(); whoever must overwrite one calls preserve() first. Preserved
// chunks wait in memory, and in a sparse scratch file when there are many: a slow place for the
// snapshot then costs disk space and not the writers' time. If preserving fails the snapshot fails
// and the writers go on.
//
// Thread rule: begin, preserve and end by the volume's office; next by any number of copiers, each
// with its own BlockingIo, none of them at the time of end.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "blockdev/snapshot/bitmap.h"
#include "blockdev/snapshot/blocking_io.h"
#include "common/io/file_system.h"

namespace strata::snapshot {

class CopySet {
 public:
  // Preserved chunks in memory: 16 MiB; more go to the scratch file.
  static constexpr size_t kInMemoryMax = 32;

  // scratch_path: a file that nobody else uses; removed at the end. files outlives this.
  CopySet(io::FileSystem& files, std::string scratch_path)
      : files_(files), scratch_path_(std::move(scratch_path)) {}

  // The chunks of a volume of that size that are in `frozen` (nullptr: all) are to be copied.
  [[nodiscard]] Status begin(const Bitmap* frozen, uint64_t size_bytes);
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
  [[nodiscard]] Result<std::optional<uint64_t>> next_preserved(std::unique_lock<std::mutex>& lock,
                                                               MutableBytes into);
  [[nodiscard]] Status preserve_one(uint64_t chunk, BlockingIo& image);
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
  std::unique_ptr<io::File> scratch_;
  std::optional<Error> error_;
};

}  // namespace strata::snapshot
