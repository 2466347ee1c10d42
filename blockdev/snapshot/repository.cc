#include "blockdev/snapshot/repository.h"

#include <utility>

namespace strata::snapshot {

FetchPool::~FetchPool() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(jobs_);
  }
  news_.notify_all();
  for (Job& job : left) job.done(Error(Code::kClosed, "the server stops"));
  for (std::thread& thread : threads_) thread.join();
}

void FetchPool::fetch(const chunks::ChunkId& id, Done done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({id, std::move(done)});
    if (threads_.size() < kFetchThreads && threads_.size() < jobs_.size()) {
      threads_.emplace_back([this] { work(); });
    }
  }
  news_.notify_one();
}

Result<ChunkBuffer> FetchPool::fetch_now(const chunks::ChunkId& id) {
  TRY_ASSIGN(ChunkBuffer buffer, ChunkBuffer::create());
  TRY(store_.get_chunk(id, buffer.bytes()));
  return buffer;
}

void FetchPool::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.done(fetch_now(job.id));
  }
}

}  // namespace strata::snapshot
