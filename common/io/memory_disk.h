// The inside of the simulated disk: what is flushed, what is not, and what a power cut leaves.
// Used by memory_file_system.cc only; the rules are documented in memory_file_system.h.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/io/memory_file_system.h"
#include "common/io/sparse_bytes.h"

namespace strata::io::memory {

// The bytes of one file. Invariant: `live` is `durable` with every change applied in order, unless
// changes were forgotten (forget_unflushed).
class FileData {
 public:
  [[nodiscard]] const SparseBytes& live() const noexcept { return live_; }
  void write(uint64_t offset, Bytes data);
  void resize(uint64_t size_bytes);
  void reserve(uint64_t offset, uint64_t length);
  void flush();
  void forget_unflushed() { unflushed_.clear(); }
  // What a power cut now leaves, as a file with nothing unflushed.
  [[nodiscard]] FileData after_crash(RandomSource& random, const CrashPlan& plan) const;

 private:
  enum class Kind { kWrite, kResize, kReserve };
  struct Change {
    Kind kind = Kind::kWrite;
    uint64_t offset = 0;
    uint64_t length = 0;
    ByteVector bytes;  // of a write
  };
  static void apply(SparseBytes& content, const Change& change);
  static void apply_torn(SparseBytes& content, const Change& change, RandomSource& random,
                         uint32_t sector_bytes);
  void record(Change change);

  SparseBytes live_;
  SparseBytes durable_;
  std::deque<Change> unflushed_;
};

struct Inode;
using InodePtr = std::shared_ptr<Inode>;
using Entries = std::map<std::string, InodePtr, std::less<>>;

// One change of one directory, made at once: a name taken away, a name set, or both (a rename).
struct EntryChange {
  uint64_t id = 0;  // ascending over the whole disk; shared by both halves of one operation
  std::string removed;
  std::string set;
  InodePtr target;             // what `set` names; null if nothing is set
  std::weak_ptr<Inode> other;  // the directory that holds the other half, if there is one
};

struct Inode {
  uint64_t number = 0;
  bool is_directory = false;
  int64_t modified_ms = 0;
  uint64_t links = 0;          // live entries that name it
  uint64_t handles = 0;        // open files
  uint64_t charged_bytes = 0;  // counted in the disk's used space
  FileData data;               // of a file
  Entries live;                // of a directory, and below
  Entries durable;
  std::deque<EntryChange> unflushed;  // ascending ids
};

// Puts a change into the directory's live entries and its list of unflushed changes.
void change_entries(const InodePtr& directory, EntryChange change);
// Flushes the directory's changes up to the id, and the other half of each of them, with what came
// before it in its own directory.
void flush_entries(const InodePtr& directory, uint64_t through_id);
// The tree that a power cut now leaves, with nothing unflushed in it.
[[nodiscard]] InodePtr tree_after_crash(const InodePtr& root, RandomSource& random,
                                        const CrashPlan& plan);

}  // namespace strata::io::memory
