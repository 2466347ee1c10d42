// Index: the ordered tables of one drive. RocksDB stays behind this file.
//
// Thread rule: reads and cursors from any thread (a cursor by one at a time); writes from one
// thread at a time, which keeps the order of changes. Every call may block, except get with
// Tier::kMemory.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::drive {

// kMeta: numbers by name. kRows: rows. kData: small blobs. kBlobs: owned blobs. kDropped: blobs
// that no row names any more and whose bytes are still there. kLog: recent changes. kGone: what was
// deleted while the drive is being filled.
enum class Table { kMeta, kRows, kData, kBlobs, kDropped, kLog, kGone };
inline constexpr size_t kTables = 7;

// The table's name in the index, and in docs/drive-format.md.
[[nodiscard]] std::string_view table_name(Table table) noexcept;

// kMemory: answer only if no device needs to be asked: from the index's own cache or the page
// cache.
enum class Tier { kMemory, kDisk };

// Memory for index blocks that several drives share.
class IndexCache {
 public:
  explicit IndexCache(size_t bytes);
  ~IndexCache();
  IndexCache(const IndexCache&) = delete;
  IndexCache& operator=(const IndexCache&) = delete;

 private:
  friend class Index;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes that become visible and durable together. Made by Index::batch.
class Batch {
 public:
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  // The value is first followed by second.
  void put(Table table, std::string_view key, std::string_view first, std::string_view second = {});
  void remove(Table table, std::string_view key);
  // Every key in [from, to).
  void remove_range(Table table, std::string_view from, std::string_view to);
  void clear();
  [[nodiscard]] size_t bytes() const;
  [[nodiscard]] bool empty() const;

 private:
  friend class Index;
  struct Impl;
  explicit Batch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A walk over a table as it was when the cursor was made.
class Cursor {
 public:
  ~Cursor();
  Cursor(Cursor&&) noexcept;
  void seek(std::string_view from);
  void seek_last();
  void next();
  // False at the end and after an error: ask status() which.
  [[nodiscard]] bool valid() const;
  // Views that the next move ends.
  [[nodiscard]] std::string_view key() const;
  [[nodiscard]] std::string_view value() const;
  [[nodiscard]] Status status() const;

 private:
  friend class Index;
  struct Impl;
  explicit Cursor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The reason of errors that say that files of the index are damaged, not a single record.
inline constexpr std::string_view kReasonIndexDamaged = "index_damaged";

// A file that holds tables or values, and the checksum of all of it.
struct IndexFile {
  uint64_t number = 0;  // never given twice
  std::string name;     // in the index's folder
  uint64_t size_bytes = 0;
  std::string checksum;  // CRC32C, as RocksDB keeps it
};

class Index {
 public:
  // kCorrupt with kReasonIndexDamaged when its files are damaged, its log too: then nothing is
  // changed, and nothing that had been flushed is passed over.
  // failed: called from any thread, more than once maybe, when a write in the background failed.
  // The cache and the files outlive the index.
  [[nodiscard]] static Result<std::unique_ptr<Index>> open(
      io::FileSystem& files, const std::string& path, IndexCache& cache,
      std::function<void(const std::string&)> failed);
  // For reading only, without a lock and beside a process that has it open for writing: what it
  // held at this moment. Nothing may be written. A table that it does not have yet is empty. kIo or
  // kCorrupt may also mean that the other process has just removed a file: try again.
  [[nodiscard]] static Result<std::unique_ptr<Index>> open_to_read(io::FileSystem& files,
                                                                   const std::string& path,
                                                                   IndexCache& cache);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  struct Found {
    enum class State { kFound, kAbsent, kWouldBlock };
    State state = State::kAbsent;
    std::string value;
  };
  [[nodiscard]] Result<Found> get(Table table, std::string_view key, Tier tier) const;
  // kNoCache: a walk over everything, which must not push out what readers want.
  enum class Keep { kCache, kNoCache };
  [[nodiscard]] Cursor cursor(Table table, Keep keep = Keep::kCache) const;
  [[nodiscard]] Batch batch() const;
  // About how many keys the table has.
  [[nodiscard]] uint64_t estimated_keys(Table table) const;
  // synced: durable when it returns. After a failure nothing more may be written.
  [[nodiscard]] Status write(Batch& batch, bool synced);
  // The last write of a life that ends in order: damage to any record before it can then be told
  // from a torn end (log_check.h).
  void seal();
  // Reads every byte of every table file and compares its checksum; long. kCorrupt with
  // kReasonIndexDamaged.
  [[nodiscard]] Status verify() const;
  // The files that verify() reads, by number: for reading them by and by (index_check.h).
  [[nodiscard]] Result<std::vector<IndexFile>> files() const;

  // Gives back the space of small blobs that were removed: merges their table at once, which may
  // take long; room_bytes: what it may take meanwhile. Any thread; reads and writes go on. Ends
  // early, with success, after stop_reclaiming(), which comes from any thread and is for good.
  [[nodiscard]] Status reclaim(uint64_t room_bytes);
  void stop_reclaiming();
  // Whether more than half of the small blobs' files is what was removed, and it is not little.
  [[nodiscard]] bool has_much_garbage() const;

  // Closes the files, so that the index can be opened anew; from then on every call fails with
  // kClosed. Waits for reads and cursors under way: kBusy, and a later call may succeed, when they
  // have not ended by the deadline. No batch may live and no write may be under way.
  [[nodiscard]] Status close(Deadline deadline);

 private:
  friend class Cursor;
  friend class Batch;
  struct Impl;
  class Use;
  explicit Index(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // cursors hold it too
};

}  // namespace strata::drive
