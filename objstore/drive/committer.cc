#include "objstore/drive/committer.h"

#include <pthread.h>

#include <algorithm>
#include <future>

#include "common/base/check.h"

namespace strata::drive {

namespace {
constexpr std::string_view kGoneEnd = "c";  // behind every key of kGone
}  // namespace

std::string gone_row(std::string_view key) {
  return "a" + std::string(key);
}

std::string gone_blob(const Id128& id) {
  return "b" + std::string(id.key());
}

void add_change(Batch& batch, RecordSeed seed, const Change& change, bool with_gone) {
  if (with_gone) {
    for (const std::string& key : change.deletes) batch.put(Table::kGone, gone_row(key), {});
    for (const BlobName& blob : change.drops) batch.put(Table::kGone, gone_blob(blob.id), {});
  }
  for (const Change::Put& put : change.puts) {
    const std::string header =
        encode_row_header(seed, put.key, change.sequence, change.placement, put.value_digest);
    batch.put(Table::kRows, put.key, header, put.value);
  }
  for (const std::string& key : change.deletes) batch.remove(Table::kRows, key);
  for (const Change::Adopt& adopt : change.adopts) {
    const BlobName& blob = adopt.blob;
    if (blob.in_index) {
      const std::string header = encode_small_header(seed, blob.id, blob.size_bytes, adopt.digest);
      batch.put(Table::kData, blob.id.key(), header, as_text(adopt.bytes));
    }
    batch.put(Table::kBlobs, blob.id.key(),
              encode_blob(seed, blob.id,
                          BlobRecord{.size_bytes = blob.size_bytes,
                                     .in_index = blob.in_index,
                                     .sequence = change.sequence,
                                     .placement = change.placement}));
  }
  for (const BlobName& blob : change.drops) {
    batch.remove(Table::kBlobs, blob.id.key());
    batch.put(Table::kDropped, blob.id.key(),
              encode_blob(seed, blob.id,
                          BlobRecord{.size_bytes = blob.size_bytes,
                                     .in_index = blob.in_index,
                                     .sequence = change.sequence,
                                     .placement = change.placement}));
  }
  batch.put(Table::kLog, encode_log_key(change.sequence), encode_log(seed, log_record_of(change)));
}

Committer::Committer(Wiring wiring)
    : wiring_(std::move(wiring)),
      log_start_(wiring_.log_start),
      batch_(wiring_.index.batch()),
      thread_([this] { work(); }) {}

Committer::~Committer() {
  stop();
}

void Committer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  available_.notify_all();
  thread_.join();
}

Status Committer::stop_by(Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    available_.notify_all();
    if (!thread_ended_.wait_until(lock, deadline.when(), [this] { return ended_; })) {
      return Error(Code::kBusy, "a write to the drive has not returned");
    }
  }
  stop();
  return {};
}

Status Committer::remember_gone(bool on) {
  Batch batch = wiring_.index.batch();
  batch.remove_range(Table::kGone, {}, kGoneEnd);
  TRY(wiring_.index.write(batch, false));
  remembers_gone_ = on;
  return {};
}

Status Committer::set_log_start(uint64_t sequence) {
  Batch batch = wiring_.index.batch();
  batch.put(Table::kMeta, kLogStartName, encode_number(wiring_.seed, kLogStartName, sequence));
  TRY(wiring_.index.write(batch, true));
  log_start_ = sequence;
  return {};
}

Status Committer::flush_ended(Deadline deadline) {
  if (wiring_.durability == Durability::kStrict) return {};
  // Shared: after a wait that was given up the task may still run.
  const auto outcome = std::make_shared<std::promise<Status>>();
  std::future<Status> done = outcome->get_future();
  const bool queued = run([this, outcome](Index&) {
    flush_unflushed();
    outcome->set_value(wiring_.health());
  });
  if (!queued) return Error(Code::kBusy, "too much waits for the drive's writing thread");
  if (done.wait_until(deadline.when()) != std::future_status::ready) {
    return Error(Code::kTimeout, "a flush of the drive takes very long");
  }
  return done.get();
}

bool Committer::lags() const {
  const std::lock_guard lock(mutex_);
  return changes_.size() >= kQueuedChangesMax / 4 || queued_bytes_ >= kQueuedBytesMax / 4;
}

bool Committer::has_room(size_t weight) const {
  const std::lock_guard lock(mutex_);
  return changes_.size() < kQueuedChangesMax &&
         (changes_.empty() || queued_bytes_ + weight <= kQueuedBytesMax);
}

void Committer::submit(std::shared_ptr<PendingChange> change) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(!stopping_, "no change after the end");
    queued_bytes_ += change->change().weight();
    changes_.push_back(std::move(change));
  }
  available_.notify_one();
}

bool Committer::run(std::function<void(Index&)> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= kQueuedTasksMax) return false;
    tasks_.push_back(std::move(task));
  }
  available_.notify_one();
  return true;
}

bool Committer::flush_is_due() const {
  if (unflushed_.empty()) return false;
  return stopping_ || unflushed_bytes_ >= kRelaxedBytesMax ||
         unflushed_.size() >= kRelaxedChangesMax ||
         std::chrono::steady_clock::now() >= unflushed_since_ + kRelaxedFlushEvery;
}

void Committer::work() {
  pthread_setname_np(pthread_self(), "committer");
  for (;;) {
    Group group;
    std::function<void(Index&)> task;
    bool flush = false;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [this] { return stopping_ || !changes_.empty() || !tasks_.empty(); };
      if (unflushed_.empty()) {
        available_.wait(lock, has_work);
      } else {
        available_.wait_until(lock, unflushed_since_ + kRelaxedFlushEvery, has_work);
      }
      flush = flush_is_due();
      if (stopping_ && changes_.empty() && tasks_.empty() && !flush) {
        ended_ = true;
        thread_ended_.notify_all();
        return;
      }
      size_t bytes = 0;
      while (!changes_.empty() && group.size() < kGroupChangesMax) {
        const size_t weight = changes_.front()->change().weight();
        if (!group.empty() && bytes + weight > kGroupBytesMax) break;
        bytes += weight;
        group.push_back(std::move(changes_.front()));
        changes_.pop_front();
      }
      queued_bytes_ -= bytes;
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      in_write_ = group;
      busy_since_ = std::chrono::steady_clock::now();
    }
    if (!group.empty()) {
      const bool synced =
          flush || wiring_.durability == Durability::kStrict ||
          std::ranges::any_of(group, [](const auto& pending) { return pending->change().marker; });
      end_group(commit_group(group, synced), synced);
    } else if (flush) {
      flush_unflushed();
    }
    if (task) task(wiring_.index);
    const std::lock_guard lock(mutex_);
    busy_since_ = SteadyTime();
  }
}

// Whoever takes the group out of in_write_ tells its changes that they have ended.
void Committer::end_group(const Status& status, bool synced) {
  Group group;
  {
    const std::lock_guard lock(mutex_);
    group = std::exchange(in_write_, Group());
  }
  for (const auto& pending : group) pending->ended(wiring_.drive_tag, status);
  if (wiring_.durability == Durability::kStrict) return;
  {
    const std::lock_guard lock(mutex_);
    if (unflushed_.empty()) unflushed_since_ = std::chrono::steady_clock::now();
    for (const auto& pending : group) unflushed_bytes_ += pending->change().weight();
    unflushed_.insert(unflushed_.end(), group.begin(), group.end());
  }
  if (synced || !status.ok()) end_unflushed();
}

void Committer::flush_unflushed() {
  {
    const std::lock_guard lock(mutex_);
    if (unflushed_.empty()) return;
  }
  if (wiring_.health().ok()) {
    Batch nothing = wiring_.index.batch();
    const Status flushed = wiring_.index.write(nothing, true);
    ++groups_;
    if (!flushed.ok()) wiring_.failed(flushed.error());
  }
  end_unflushed();
}

void Committer::end_unflushed() {
  Group group;
  {
    const std::lock_guard lock(mutex_);
    group = std::exchange(unflushed_, Group());
    unflushed_bytes_ = 0;
  }
  for (const auto& pending : group) pending->flushed(wiring_.drive_tag);
}

bool Committer::stuck(Duration answer_max) const {
  const std::lock_guard lock(mutex_);
  return busy_since_ != SteadyTime() && std::chrono::steady_clock::now() - busy_since_ > answer_max;
}

void Committer::abandon(const Error& error) {
  Group group;
  {
    const std::lock_guard lock(mutex_);
    group = std::exchange(in_write_, Group());
    group.insert(group.end(), changes_.begin(), changes_.end());
    changes_.clear();
    queued_bytes_ = 0;
  }
  for (const auto& pending : group) pending->ended(wiring_.drive_tag, error);
  if (wiring_.durability == Durability::kStrict) return;
  for (const auto& pending : group) pending->flushed(wiring_.drive_tag);
  end_unflushed();
}

Status Committer::commit_group(const Group& group, bool synced) {
  Status status = wiring_.health();
  if (status.ok()) {
    Batch& batch = batch_;
    batch.clear();
    uint64_t trim_to = 0;
    for (const auto& pending : group) {
      add_change(batch, wiring_.seed, pending->change(), remembers_gone_);
      trim_to = std::max(trim_to, pending->change().trim_to);
    }
    const bool trims = trim_to > log_start_ && trim_to - log_start_ >= kTrimStride;
    if (trims) {
      batch.remove_range(Table::kLog, encode_log_key(0), encode_log_key(trim_to + 1));
      batch.put(Table::kMeta, kLogStartName, encode_number(wiring_.seed, kLogStartName, trim_to));
    }
    status = wiring_.index.write(batch, synced);
    if (synced) ++groups_;
    if (status.ok() && trims) log_start_ = trim_to;
    if (!status.ok()) wiring_.failed(status.error());
  }
  return status;
}

}  // namespace strata::drive
