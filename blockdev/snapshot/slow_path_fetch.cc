// The fetching half of the slow path: chunks that are not in the image yet.
#include <algorithm>

#include "blockdev/snapshot/slow_path.h"
#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::snapshot {

void SlowPath::start_fetches(ChunkRange range) {
  const chunks::Manifest& origin = *state_->origin();
  for (auto chunk = device_.present_->find(range, false); chunk && fetching_.size() < kFetchesMax;
       chunk = device_.present_->find({*chunk + 1, range.end}, false)) {
    if (!fetching_.insert(*chunk).second) continue;
    const chunks::ChunkId* id = origin.find(*chunk);
    CHECK(id != nullptr, "only chunks of the origin are ever absent");
    {
      const std::lock_guard lock(mutex_);
      ++fetches_under_way_;
    }
    fetcher_->fetch(*id, [this, at = *chunk](Result<ChunkBuffer> bytes) {
      const std::lock_guard lock(mutex_);
      fetched_.push_back({at, std::move(bytes)});
      --fetches_under_way_;
      // Under the mutex: whoever waits for the last one may end this right after.
      news_.notify_all();
    });
  }
}

void SlowPath::take_fetched(Fetched fetched) {
  fetching_.erase(fetched.chunk);
  const Status stored = fetched.bytes.ok() ? store_fetched(fetched.chunk, fetched.bytes->bytes())
                                           : Status(fetched.bytes.error());
  if (stored.ok()) return;
  log::error("snapshot.fetch_failed",
             {{"volume", name_}, {"chunk", fetched.chunk}, {"error", stored.error().to_string()}});
  // Who needs this chunk is told; the next request for it fetches again.
  std::erase_if(waiting_, [&](const Demand& demand) {
    const bool mine = demand.range.first <= fetched.chunk && fetched.chunk < demand.range.end;
    if (mine) grant(demand, stored);
    return mine;
  });
}

Status SlowPath::store_fetched(uint64_t chunk, Bytes bytes) {
  TRY(image_->write_chunk(chunk, device_.geometry().size_bytes, bytes));
  device_.present_->set(chunk);
  absent_.fetch_sub(1);
  unnoted_.push_back({chunk, chunk + 1});
  if (unnoted_.size() >= kUnnotedMax || absent_.load() == 0) {
    const Status noted = note_fetched();
    // The bytes are there for readers; writers ask again and are told.
    if (!noted.ok()) {
      log::error("snapshot.note_failed", {{"volume", name_}, {"error", noted.error().message}});
    }
  }
  return {};
}

Status SlowPath::note_fetched() {
  if (!unnoted_.empty()) {
    TRY(image_->flush());
    TRY(state_->mark_hydrated(unnoted_));
    unnoted_.clear();
  }
  if (!device_.hydrating() || absent_.load() != 0) return {};
  TRY(state_->end_hydration());
  device_.hydrating_.store(false, std::memory_order_release);
  log::info("snapshot.hydrated", {{"volume", name_}});
  return {};
}

Status SlowPath::note_hydration() {
  return run([this]() -> Status { return note_fetched(); });
}

Status SlowPath::ensure_present(ChunkRange range) {
  if (!device_.hydrating()) return {};
  std::promise<Status> promise;
  std::future<Status> answer = promise.get_future();
  post_demand({.waiter = &promise, .range = range});
  return answer.get();
}

std::optional<uint64_t> SlowPath::next_absent(uint64_t from) const noexcept {
  if (!device_.hydrating()) return std::nullopt;
  return device_.present_->find({from, Bitmap::kBits}, false);
}

SlowPath::Hydration SlowPath::hydration() const noexcept {
  return {.absent = absent_.load(), .total = origin_chunks_};
}

}  // namespace strata::snapshot
