// The event loops of the server and the threads that run them.
#pragma once

#include <future>
#include <memory>
#include <vector>

#include "common/async/loop_thread.h"
#include "common/async/task.h"
#include "common/base/result.h"

namespace strata::roof {

// Thread rule: used by the thread that made it; run() from any thread that is none of the loops'.
class LoopThreads {
 public:
  // Starts `count` loops, each on a thread named "loop-N".
  [[nodiscard]] static Result<std::unique_ptr<LoopThreads>> start(uint32_t count);
  // Stops and joins; no task may be under way any more.
  ~LoopThreads() = default;
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;

  [[nodiscard]] std::vector<async::EventLoop*> all() const;

  // Runs the task on the first loop and blocks until it is done.
  template <typename T>
  [[nodiscard]] T run(async::Task<T> task) {
    std::promise<T> promise;
    std::future<T> future = promise.get_future();
    // The function object must be copyable, so the task is reached through a pointer; this frame
    // outlives it because it waits below.
    async::Task<T>* source = &task;
    std::promise<T>* target = &promise;
    threads_.front()->loop().post([source, target] { finish(std::move(*source), target); });
    return future.get();
  }

 private:
  LoopThreads() = default;
  template <typename T>
  static async::detail::Detached finish(async::Task<T> task, std::promise<T>* target) {
    target->set_value(co_await std::move(task));
  }

  std::vector<std::unique_ptr<async::LoopThread>> threads_;
};

}  // namespace strata::roof
