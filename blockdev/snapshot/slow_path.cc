#include "blockdev/snapshot/slow_path.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "blockdev/snapshot/tracked_queue.h"
#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::snapshot {

SlowPath::SlowPath(TrackedDevice& device, TrackedDevice::Parts& parts)
    : device_(device),
      state_(std::move(parts.state)),
      fetcher_(parts.fetcher),
      name_(parts.name),
      copies_(*parts.files, parts.preserved_path) {}

SlowPath::~SlowPath() {
  {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [this] { return fetches_under_way_ == 0; });
    stopping_ = true;
  }
  news_.notify_all();
  if (office_.joinable()) office_.join();
}

Status SlowPath::start() {
  const bool plain = !state_->tracks() && state_->origin() == nullptr;
  if (plain) return {};
  device_.all_open_.store(false, std::memory_order_release);
  if (const chunks::Manifest* origin = state_->origin(); origin != nullptr) {
    CHECK(fetcher_ != nullptr, "a volume that is restored lazily needs a fetcher");
    device_.present_->set_range({0, Bitmap::kBits});
    for (const chunks::ManifestEntry& entry : origin->chunks) {
      if (state_->hydrated(entry.index)) continue;
      device_.present_->clear(entry.index);
      // A damaged page of the changes counts as all changed, which must not open what is absent.
      device_.open_->clear(entry.index);
      absent_.fetch_add(1);
    }
    origin_chunks_ = origin->chunks.size();
    device_.hydrating_.store(true, std::memory_order_release);
  }
  start_office();
  return {};
}

void SlowPath::start_office() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(started_, true)) return;
  office_ = std::thread([this] { work(); });
}

void SlowPath::demand(device::IoRequest& request, uint64_t length, bool write) noexcept {
  post_demand({.request = &request,
               .range = chunks_touched(request.offset, length),
               .length = length,
               .write = write});
}

void SlowPath::post_demand(Demand demand) {
  {
    const std::lock_guard lock(mutex_);
    demands_.push_back(demand);
  }
  news_.notify_all();
}

device::IoRequest* SlowPath::take_granted(Lane& lane) noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(lane.granted, nullptr);
}

void SlowPath::writes_ended() noexcept {
  // Under the mutex, so that it is not lost between the office's look at the counts and its sleep.
  const std::lock_guard lock(mutex_);
  news_.notify_all();
}

void SlowPath::grant(const Demand& demand, const Status& status) noexcept {
  if (demand.waiter != nullptr) {
    demand.waiter->set_value(status);
    return;
  }
  const std::lock_guard lock(mutex_);
  device::IoRequest& request = *demand.request;
  Lane& lane = *static_cast<Lane*>(request.state.lane);
  request.state.attempts = status.ok() ? 0 : EIO;
  request.state.next_queued = std::exchange(lane.granted, &request);
  // Whoever put the first one in the list has signalled, and the list is taken after the signal.
  if (request.state.next_queued != nullptr) return;
  const uint64_t one = 1;
  // The counter stays far below its maximum: the owner reads it back to zero.
  (void)!::write(lane.signal.get(), &one, sizeof one);
}

Status SlowPath::run(std::function<Status()> command) {
  start_office();
  std::promise<Status> promise;
  std::future<Status> answer = promise.get_future();
  {
    const std::lock_guard lock(mutex_);
    commands_.emplace_back([&promise, &command] { promise.set_value(command()); });
  }
  news_.notify_all();
  return answer.get();
}

void SlowPath::work() {
  auto opened = BlockingIo::open(*device_.image_);
  CHECK(opened.ok(), opened.ok() ? "" : opened.error().message);
  image_ = std::move(opened).value();
  for (;;) {
    std::vector<Demand> demands;
    std::deque<std::function<void()>> commands;
    std::vector<Fetched> fetched;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] {
        return stopping_ || !demands_.empty() || !commands_.empty() || !fetched_.empty();
      });
      demands.swap(demands_);
      commands.swap(commands_);
      fetched.swap(fetched_);
      if (stopping_ && demands.empty() && commands.empty() && fetched.empty()) break;
    }
    for (const auto& command : commands) command();
    const bool came = !fetched.empty();
    for (Fetched& one : fetched) take_fetched(std::move(one));
    if (came) {
      demands.insert(demands.begin(), waiting_.begin(), waiting_.end());
      waiting_.clear();
    }
    serve(std::move(demands));
  }
  // What was fetched and is not noted would only be fetched again.
  (void)note_fetched();
  image_.reset();
}

void SlowPath::serve(std::vector<Demand> demands) {
  std::vector<Demand> writes;
  for (const Demand& demand : demands) {
    if (device_.hydrating() && !device_.present_->all(demand.range)) {
      start_fetches(demand.range);
      waiting_.push_back(demand);
    } else if (demand.write) {
      writes.push_back(demand);
    } else {
      grant(demand, {});
    }
  }
  if (!writes.empty()) open_for(writes);
}

void SlowPath::open_for(const std::vector<Demand>& writes) {
  const Status marked = note_marks(writes);
  if (marked.ok()) return let_go(writes);
  log::error("snapshot.open_failed", {{"volume", name_}, {"error", marked.error().message}});
  for (const Demand& demand : writes) grant(demand, marked);
}

Status SlowPath::note_marks(const std::vector<Demand>& writes) {
  std::vector<ChunkRange> ranges;
  ranges.reserve(writes.size());
  for (const Demand& demand : writes) ranges.push_back(demand.range);
  // A chunk that is written to must never be fetched again, whatever happens.
  const bool fresh = std::any_of(unnoted_.begin(), unnoted_.end(), [&](const ChunkRange& one) {
    return std::any_of(ranges.begin(), ranges.end(), [&](const ChunkRange& range) {
      return one.first < range.end && range.first < one.end;
    });
  });
  if (fresh) TRY(note_fetched());
  if (state_->tracks()) TRY(state_->mark(ranges));
  for (const ChunkRange& range : ranges) device_.marked_->set_range(range);
  return {};
}

// Whom a few blocks hold up goes first, together; then, one by one, who needs whole chunks kept.
// A small write finds its way once its chunk is marked, and its blocks kept if its queue has no
// room for them.
void SlowPath::let_go(const std::vector<Demand>& writes) {
  std::vector<CopySet::BlockRun> runs;
  std::vector<const Demand*> small;
  std::vector<const Demand*> large;
  for (const Demand& demand : writes) {
    const CopySet::Plan plan = copies_.plan(demand.request->offset, demand.length);
    switch (plan.keep) {
      case CopySet::Keep::kNothing:
        device_.open_->set_range(demand.range);
        grant(demand, {});
        break;
      case CopySet::Keep::kBlocks:
        if (plan.run.count > 0) runs.push_back(plan.run);
        small.push_back(&demand);
        break;
      case CopySet::Keep::kChunk:
        large.push_back(&demand);
        break;
    }
  }
  copies_.keep_blocks(runs, *image_);
  for (const Demand* demand : small) grant(*demand, {});
  for (const Demand* demand : large) {
    copies_.preserve(demand->range, *image_);
    device_.open_->set_range(demand->range);
    grant(*demand, {});
  }
}

Status SlowPath::begin_snapshot(bool whole) {
  return run([this, whole]() -> Status {
    TRY(state_->prepare_snapshot());
    Status frozen = freeze(whole);
    if (!frozen.ok()) (void)state_->abandon_snapshot();
    return frozen;
  });
}

bool SlowPath::drained() {
  const std::lock_guard lock(device_.lanes_mutex_);
  return std::all_of(device_.lanes_.begin(), device_.lanes_.end(), [](const Lane* lane) {
    return lane->writing.load(std::memory_order_seq_cst) == 0;
  });
}

Status SlowPath::freeze(bool whole) {
  device_.gate_closed_.store(true, std::memory_order_seq_cst);
  bool quiet = false;
  {
    std::unique_lock lock(mutex_);
    quiet = news_.wait_for(lock, kGateMax, [this] { return drained(); });
  }
  Status begun;
  if (quiet) {
    state_->switch_generation();
    begun = copies_.begin(whole ? nullptr : state_->frozen(), device_.geometry().size_bytes);
    close_all();
  } else {
    begun = Error(Code::kTimeout, fmt::format("the writes of the volume did not end within {} s; "
                                              "is its disk all right?",
                                              kGateMax.count()));
  }
  device_.gate_closed_.store(false, std::memory_order_seq_cst);
  return begun;
}

void SlowPath::close_all() noexcept {
  device_.open_->clear_all();
  device_.marked_->clear_all();
  device_.all_open_.store(false, std::memory_order_seq_cst);
}

Status SlowPath::finish_snapshot(SnapshotReference base) {
  return run([this, &base]() -> Status {
    copies_.end();
    return state_->finish_snapshot(std::move(base));
  });
}

Status SlowPath::abandon_snapshot() {
  return run([this]() -> Status {
    copies_.end();
    Status abandoned = state_->abandon_snapshot();
    // Chunks that are still closed are opened when they are written to.
    if (!state_->tracks() && !device_.hydrating()) {
      device_.all_open_.store(true, std::memory_order_release);
    }
    return abandoned;
  });
}

Tracking SlowPath::tracking() {
  Tracking out;
  (void)run([this, &out] {
    out = state_->tracking();
    return Status();
  });
  return out;
}

std::vector<uint64_t> SlowPath::absent_and_marked() {
  std::vector<uint64_t> out;
  (void)run([this, &out] {
    for (auto chunk = next_absent(0); chunk; chunk = next_absent(*chunk + 1)) {
      if (state_->tracks() && state_->marks().test(*chunk)) out.push_back(*chunk);
    }
    return Status();
  });
  return out;
}

}  // namespace strata::snapshot
