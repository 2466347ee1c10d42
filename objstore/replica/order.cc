#include "objstore/replica/order.h"

#include <algorithm>

namespace strata::replica {

uint64_t Order::trim_point(uint64_t sequence, bool all_drives_in) const {
  const uint64_t keep = all_drives_in ? kLogKept : kLogSpanMax;
  const uint64_t from = all_drives_in ? durable_.load() : sequence;
  // Never the marker of this epoch: it is where a drive's position stands when nothing follows.
  if (from < start_ + keep) return all_drives_in ? start_ - 1 : 0;
  return from - keep;
}

void Order::ended(const drive::Change& change) {
  std::vector<async::Completion<bool>*> wake;
  {
    const std::lock_guard lock(mutex_);
    under_way_.erase(change.sequence);
    for (const std::string& key : change.deletes) {
      auto [from, to] = deleting_.equal_range(std::hash<std::string>{}(key));
      const auto found = std::find_if(
          from, to, [&](const auto& entry) { return entry.second == change.sequence; });
      if (found != to) deleting_.erase(found);
    }
    if (!change.deletes.empty()) deletes_under_way_.fetch_sub(1);
    agreed_.store(under_way_.empty() ? begun_ : under_way_.begin()->first - 1);
    if (durability_ == drive::Durability::kStrict) durable_.store(agreed_.load());
    const auto end = waiters_.upper_bound(agreed_.load());
    for (auto it = waiters_.begin(); it != end; ++it) wake.push_back(it->second);
    waiters_.erase(waiters_.begin(), end);
  }
  moved_.notify_all();
  for (async::Completion<bool>* done : wake) done->set(true);
}

void Order::flushed(const drive::Change& change) {
  {
    const std::lock_guard lock(mutex_);
    unflushed_.erase(change.sequence);
    durable_.store(unflushed_.empty() ? begun_ : *unflushed_.begin() - 1);
  }
  moved_.notify_all();
}

async::Task<void> Order::until_agreed(uint64_t sequence) {
  if (agreed_.load() >= sequence) co_return;
  async::Completion<bool> done;
  {
    const std::lock_guard lock(mutex_);
    if (under_way_.empty() || under_way_.begin()->first > sequence) co_return;
    waiters_.emplace(sequence, &done);
  }
  (void)co_await done;
}

bool Order::wait_until_agreed(uint64_t sequence, Deadline deadline) {
  std::unique_lock lock(mutex_);
  return moved_.wait_until(lock, deadline.when(), [&] {
    return under_way_.empty() || under_way_.begin()->first > sequence;
  });
}

bool Order::wait_until_durable(uint64_t sequence, Deadline deadline) {
  if (durability_ == drive::Durability::kStrict) return wait_until_agreed(sequence, deadline);
  std::unique_lock lock(mutex_);
  return moved_.wait_until(lock, deadline.when(),
                           [&] { return unflushed_.empty() || *unflushed_.begin() > sequence; });
}

uint64_t Order::last_change() const {
  const std::lock_guard lock(mutex_);
  return begun_;
}

uint64_t Order::deleting(std::string_view key) const {
  if (deletes_under_way_.load() == 0) return 0;
  const std::lock_guard lock(mutex_);
  uint64_t last = 0;
  auto [from, to] = deleting_.equal_range(std::hash<std::string>{}(std::string(key)));
  for (auto it = from; it != to; ++it) last = std::max(last, it->second);
  return last;
}

uint64_t Order::deleting_any() const {
  if (deletes_under_way_.load() == 0) return 0;
  const std::lock_guard lock(mutex_);
  for (auto it = under_way_.rbegin(); it != under_way_.rend(); ++it) {
    if (it->second) return it->first;
  }
  return 0;
}

}  // namespace strata::replica
