// Background: work that nobody waits for (removing files, healing), counted so that it can be
// waited for at the end, and bounded.
//
// Thread rule: every method from any thread; drain outside the pool.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "common/async/blocking_pool.h"

namespace strata::replica {

class Background {
 public:
  static constexpr size_t kJobsMax = 4096;
  explicit Background(async::BlockingPool& pool) : pool_(pool) {}
  ~Background() { drain(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Runs it on the pool; false, and not run, when too many are waiting.
  bool run(std::function<void()> work);
  // The same however many wait: for work that somebody waits for.
  void insist(std::function<void()> work);
  // Counts something that runs elsewhere, from enter until leave; leave from any thread.
  void enter();
  void leave();
  // Until everything started so far, and what it started, has ended.
  void drain();

 private:
  class Job;
  async::BlockingPool& pool_;
  std::mutex mutex_;
  std::condition_variable idle_;
  size_t running_ = 0;  // guarded by mutex_
};

}  // namespace strata::replica
