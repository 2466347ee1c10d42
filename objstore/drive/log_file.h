// LogFile: one write-ahead log of RocksDB, written past the page cache.
//
// A log that grows makes every flush commit the filesystem's journal for the new length, and every
// byte go through the page cache. This one is written in whole blocks from memory of its own, each
// group with one write that is on stable media when it returns; where it lies over a file that was
// filled with zeros before (log_spares.h) no metadata changes at all. The block that the log ends
// in is written again by the next group: with the same bytes in front, so that a torn write leaves
// what had been flushed. Behind the end there are zeros, which RocksDB takes for the end.
//
// Only .cc files of this room include it: RocksDB stays behind the room's wall.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdlib>
#include <memory>
#include <mutex>

#include "common/base/bytes.h"
#include "common/io/file_system.h"

namespace strata::drive {

// While one lives, what this thread appends to a log is followed by a Sync on the same thread: then
// RocksDB's Flush in between has nothing to do.
class SyncFollows {
 public:
  SyncFollows() noexcept;
  ~SyncFollows();
  SyncFollows(const SyncFollows&) = delete;
  SyncFollows& operator=(const SyncFollows&) = delete;
};

// Thread rule: any thread; RocksDB appends from one at a time and may flush from another.
class LogFile final : public rocksdb::FSWritableFile {
 public:
  // What is gathered in memory before it is written without being asked to.
  static constexpr size_t kBufferBytes = 512 * kKiB;
  static constexpr size_t kBlockBytes = 4096;

  // file: opened for direct writing where the filesystem can; empty or filled with zeros.
  explicit LogFile(std::unique_ptr<io::File> file);
  ~LogFile() override;

  using rocksdb::FSWritableFile::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override;
  // What was appended is the kernel's when it returns: a killed process loses none of it.
  rocksdb::IOStatus Flush(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override;
  // What was appended is on stable media when it returns.
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    return Sync(options, debug);
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override;
  [[nodiscard]] bool IsSyncThreadSafe() const override { return true; }
  // Of what was appended, not of the file.
  uint64_t GetFileSize(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  // All three: with mutex_ held.
  [[nodiscard]] Status append(Bytes data);
  [[nodiscard]] Status write_out(bool stable);
  [[nodiscard]] bool all_written() const noexcept { return written_ == size_; }

  std::mutex mutex_;  // guards all below
  std::unique_ptr<io::File> file_;
  std::unique_ptr<std::byte[], Free> buffer_;  // the log's bytes from base_ to size_
  uint64_t base_ = 0;                          // a multiple of kBlockBytes
  uint64_t written_ = 0;
  uint64_t size_ = 0;
  bool unflushed_ = false;  // something was written that no flush covers
};

}  // namespace strata::drive
