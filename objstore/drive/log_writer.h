// LogWriter: writes one write-ahead log of the index past the page cache.
//
// A log that grows makes every flush commit the filesystem's journal for the new length, and every
// byte go through the page cache. This one is written in whole blocks from memory of its own, each
// group with one write that is on stable media when it returns; where it lies over a file that was
// filled with zeros before (log_spares.h) no metadata changes at all. The block that the log ends
// in is written again by the next group: with the same bytes in front, so that a torn write leaves
// what had been flushed. Behind the end there are zeros, which RocksDB takes for the end.
//
// Thread rule: any thread.
#pragma once

#include <cstdlib>
#include <memory>
#include <mutex>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::drive {

// While one lives, what this thread appends to a log is followed by a sync() on the same thread:
// then a hand_over() in between has nothing to do.
class SyncFollows {
 public:
  SyncFollows() noexcept;
  ~SyncFollows();
  SyncFollows(const SyncFollows&) = delete;
  SyncFollows& operator=(const SyncFollows&) = delete;
};

class LogWriter {
 public:
  // What is gathered in memory before it is written without being asked to.
  static constexpr size_t kBufferBytes = 512 * kKiB;
  static constexpr size_t kBlockBytes = 4096;

  // file: opened for direct writing where the filesystem can; empty or filled with zeros.
  explicit LogWriter(std::unique_ptr<io::File> file);
  // What was appended has been handed over, or its writer does not wait for it any more.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  [[nodiscard]] Status append(Bytes data);
  // What was appended is the kernel's when it returns: a killed process loses none of it.
  [[nodiscard]] Status hand_over();
  // What was appended is on stable media when it returns.
  [[nodiscard]] Status sync();
  // Whether a sync() covers all that was appended.
  [[nodiscard]] bool flushed() const;
  // Of what was appended, not of the file.
  [[nodiscard]] uint64_t size() const;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  // Both with mutex_ held.
  [[nodiscard]] Status write_out(bool stable);
  [[nodiscard]] bool all_written() const noexcept { return written_ == size_; }

  mutable std::mutex mutex_;  // guards all below
  std::unique_ptr<io::File> file_;
  std::unique_ptr<std::byte[], Free> buffer_;  // the log's bytes from base_ to size_
  uint64_t base_ = 0;                          // a multiple of kBlockBytes
  uint64_t written_ = 0;
  uint64_t size_ = 0;
  bool unflushed_ = false;  // something was written that no flush covers
};

}  // namespace strata::drive
