#include "common/async/blocking_pool.h"

#include <pthread.h>

namespace strata::async {

BlockingPool::BlockingPool(std::string name, size_t threads) {
  CHECK(threads > 0);
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name] { work(name); });
  }
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  available_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BlockingPool::enqueue(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(!stopping_, "the pool is stopping");
    jobs_.push_back(&job);
  }
  available_.notify_one();
}

size_t BlockingPool::queued() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void BlockingPool::work(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  for (;;) {
    Job* job = nullptr;
    {
      std::unique_lock lock(mutex_);
      available_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = jobs_.front();
      jobs_.pop_front();
    }
    job->execute();
  }
}

}  // namespace strata::async
