// Committer: the one thread that writes a drive's index.
//
// It gathers what waits in its queue into one batch, writes it with one flush, and tells every
// change of the batch that it has ended. Changes are applied in the order of submit. After a write
// that failed every further change ends with that failure; nothing is tried again.
//
// With Durability::kRelaxed a batch is written without a flush, and its changes have ended; one of
// the next writes, or an empty one when nothing comes, flushes them within kRelaxedFlushEvery, and
// they are told that too. A marker (Change::marker) is flushed at once, with all before it.
//
// Thread rule: submit and run from any thread. Callers that need an order among changes submit
// under a lock of their own. The destructor stops it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "common/base/deadline.h"
#include "objstore/drive/change.h"
#include "objstore/drive/durability.h"
#include "objstore/drive/index.h"
#include "objstore/drive/record_format.h"

namespace strata::drive {

inline constexpr size_t kQueuedChangesMax = 8192;
inline constexpr size_t kQueuedBytesMax = 64 * kMiB;
inline constexpr size_t kQueuedTasksMax = 1024;
inline constexpr size_t kGroupChangesMax = 1024;
inline constexpr size_t kGroupBytesMax = 8 * kMiB;
// Log entries are removed in strides, so that the index is not littered with range deletions.
inline constexpr uint64_t kTrimStride = 16'384;
inline constexpr std::string_view kLogStartName = "log_start";
// Keys of kGone: a letter for what it is, then the row's key or the blob's id.
[[nodiscard]] std::string gone_row(std::string_view key);
[[nodiscard]] std::string gone_blob(const Id128& id);

class Committer {
 public:
  struct Wiring {
    Index& index;
    RecordSeed seed;
    size_t drive_tag;
    uint64_t log_start;  // as stored
    Durability durability = Durability::kStrict;
    // The reason why the drive is out of service, or success.
    std::function<Status()> health;
    // A write failed: the drive goes out of service.
    std::function<void(const Error&)> failed;
  };
  explicit Committer(Wiring wiring);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Whether a change of this weight has room in the queue now.
  [[nodiscard]] bool has_room(size_t weight) const;
  void submit(std::shared_ptr<PendingChange> change);
  // Runs the function on the committer's thread, between two groups: there it is the only writer.
  // False, and not run, when too many are waiting or after stop.
  [[nodiscard]] bool run(std::function<void(Index&)> task);

  // Only from a task on its thread. While it is on, every row deleted and every blob dropped leaves
  // an entry in kGone, so that a copy which is made at the same time does not bring it back. Both
  // ways the table is empty afterwards, with the next synced write.
  [[nodiscard]] Status remember_gone(bool on);
  // Only from a task on its thread: log entries up to this one may be missing. Flushed.
  [[nodiscard]] Status set_log_start(uint64_t sequence);
  // Returns when every change that has ended here is flushed. For threads that may block, not its
  // own. kBusy or kTimeout: it may not be.
  [[nodiscard]] Status flush_ended(Deadline deadline);
  // Whether so much is queued that whoever adds to it should wait for it.
  [[nodiscard]] bool lags() const;

  // Applies and runs what is queued, then ends the thread. No submit after it.
  void stop();
  // The same, but kBusy if the thread has not ended by the deadline.
  [[nodiscard]] Status stop_by(Deadline deadline);

  // Whether one write or flush has been under way for longer than this.
  [[nodiscard]] bool stuck(Duration answer_max) const;
  // Ends every change that waits for a write that does not come back, the ones in it too: with this
  // error, on the calling thread. The drive is out of service by then. While it stays stuck, call
  // it again for what has come since.
  void abandon(const Error& error);

  [[nodiscard]] uint64_t groups() const noexcept { return groups_; }
  [[nodiscard]] uint64_t log_start() const noexcept { return log_start_; }

 private:
  using Group = std::vector<std::shared_ptr<PendingChange>>;
  void work();
  // Writes the group; flushes it, and all before it, if `synced`.
  [[nodiscard]] Status commit_group(const Group& group, bool synced);
  void end_group(const Status& status, bool synced);
  // Relaxed: flushes what was written without a flush.
  void flush_unflushed();
  // Relaxed: tells what waits for a flush that it waits no more.
  void end_unflushed();
  // Whether what waits for a flush has waited enough; with mutex_ held.
  [[nodiscard]] bool flush_is_due() const;

  Wiring wiring_;
  std::atomic<uint64_t> log_start_;
  std::atomic<uint64_t> groups_{0};
  mutable std::mutex mutex_;
  std::condition_variable available_;
  std::deque<std::shared_ptr<PendingChange>> changes_;  // guarded by mutex_
  Group in_write_;  // guarded by mutex_: the group under way, unless it was abandoned
  // Relaxed, guarded by mutex_: what has ended and waits for a flush, since when, and how much.
  Group unflushed_;
  SteadyTime unflushed_since_{};
  size_t unflushed_bytes_ = 0;
  SteadyTime busy_since_{};  // guarded by mutex_: of the write or task under way; 0: none
  std::deque<std::function<void(Index&)>> tasks_;  // guarded by mutex_
  size_t queued_bytes_ = 0;                        // guarded by mutex_
  bool stopping_ = false;                          // guarded by mutex_
  bool ended_ = false;                             // guarded by mutex_
  std::condition_variable thread_ended_;
  bool remembers_gone_ = false;  // touched by the thread only
  Batch batch_;                  // touched by the thread only: its memory is used again
  std::thread thread_;
};

// Puts the change's rows, blobs and log entry into the batch; with_gone: and what it removes into
// kGone.
void add_change(Batch& batch, RecordSeed seed, const Change& change, bool with_gone = false);

}  // namespace strata::drive
