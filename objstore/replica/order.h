// Order: the one order of changes. Gives out sequences, knows which changes are still under way,
// and lets readers wait until what they saw can no longer be lost.
//
// A sequence is an epoch (one a start of the store) in its high bits and a counter. So a number is
// never given out twice, even when a drive that was away comes back with changes nobody else saw.
//
// Thread rule: every method from any thread; the awaitable ones from an event loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/async/completion.h"
#include "common/async/task.h"
#include "common/base/deadline.h"
#include "objstore/drive/change.h"
#include "objstore/drive/durability.h"

namespace strata::replica {

inline constexpr uint32_t kCounterBits = 40;
[[nodiscard]] constexpr uint64_t epoch_of(uint64_t sequence) noexcept {
  return sequence >> kCounterBits;
}
[[nodiscard]] constexpr uint64_t epoch_start(uint64_t epoch) noexcept {
  return epoch << kCounterBits;
}

// Log entries kept behind the agreed point even when every drive is there, so that drives that
// stopped at slightly different points find each other's entries.
inline constexpr uint64_t kLogKept = 32'768;
// The most that is kept for a drive that is away; beyond, it is compared as a whole.
inline constexpr uint64_t kLogSpanMax = 1'000'000;

class Order {
 public:
  // start: the sequence of the epoch's marker, which every drive in service has.
  Order(uint64_t start, drive::Durability durability)
      : start_(start),
        durability_(durability),
        next_(start + 1),
        agreed_(start),
        durable_(start),
        begun_(start) {}

  [[nodiscard]] uint64_t stamp() noexcept { return next_.fetch_add(1); }

  // Calls ready(); if that is true, numbers the change and calls enqueue() before any later change
  // is numbered. Returns what ready() did.
  template <typename Ready, typename Enqueue>
  [[nodiscard]] bool begin(drive::Change& change, bool all_drives_in, Ready ready, Enqueue enqueue);
  // Runs the function between two changes.
  template <typename Function>
  void locked(Function function);
  // The change has been flushed or has failed on every drive it was given to. Relaxed: it has been
  // written there, and flushed() follows.
  void ended(const drive::Change& change);
  // Relaxed: what was written has been flushed on every drive, or has failed.
  void flushed(const drive::Change& change);

  // Every change up to this one has ended.
  [[nodiscard]] uint64_t agreed() const noexcept { return agreed_.load(); }
  // Every change up to this one has ended and is flushed.
  [[nodiscard]] uint64_t durable() const noexcept { return durable_.load(); }
  // Returns once agreed() >= sequence.
  [[nodiscard]] async::Task<void> until_agreed(uint64_t sequence);
  // The same for threads that may block; false if the deadline passed first.
  [[nodiscard]] bool wait_until_agreed(uint64_t sequence, Deadline deadline);
  // Until durable() >= sequence.
  [[nodiscard]] bool wait_until_durable(uint64_t sequence, Deadline deadline);

  // The last sequence given out, to a change or as a stamp.
  [[nodiscard]] uint64_t last() const noexcept { return next_.load() - 1; }
  // The sequence of the last change that was numbered.
  [[nodiscard]] uint64_t last_change() const;
  // The last change under way that deletes this row, or 0.
  [[nodiscard]] uint64_t deleting(std::string_view key) const;
  // The last change under way that deletes anything, or 0.
  [[nodiscard]] uint64_t deleting_any() const;

 private:
  [[nodiscard]] uint64_t trim_point(uint64_t sequence, bool all_drives_in) const;

  const uint64_t start_;
  const drive::Durability durability_;
  std::atomic<uint64_t> next_;
  std::atomic<uint64_t> agreed_;
  std::atomic<uint64_t> durable_;
  std::atomic<size_t> deletes_under_way_{0};
  mutable std::mutex mutex_;
  std::condition_variable moved_;
  uint64_t begun_;                                      // guarded by mutex_: the last one numbered
  std::map<uint64_t, bool> under_way_;                  // guarded by mutex_: whether it deletes
  std::set<uint64_t> unflushed_;                        // guarded by mutex_: relaxed only
  std::unordered_multimap<size_t, uint64_t> deleting_;  // guarded by mutex_: by hash of the key
  std::multimap<uint64_t, async::Completion<bool>*> waiters_;  // guarded by mutex_
};

template <typename Function>
void Order::locked(Function function) {
  const std::lock_guard lock(mutex_);
  function();
}

template <typename Ready, typename Enqueue>
bool Order::begin(drive::Change& change, bool all_drives_in, Ready ready, Enqueue enqueue) {
  const std::lock_guard lock(mutex_);
  if (!ready()) return false;
  change.sequence = next_.fetch_add(1);
  change.agreed = durable_.load();
  change.trim_to = trim_point(change.sequence, all_drives_in);
  begun_ = change.sequence;
  under_way_.emplace(change.sequence, !change.deletes.empty());
  if (durability_ == drive::Durability::kRelaxed) unflushed_.insert(change.sequence);
  for (const std::string& key : change.deletes) {
    deleting_.emplace(std::hash<std::string>{}(key), change.sequence);
  }
  if (!change.deletes.empty()) deletes_under_way_.fetch_add(1);
  enqueue();
  return true;
}

}  // namespace strata::replica
