// BlockingPool: the one bridge from event loops to code that blocks (files, RocksDB).
//
// co_await pool.run(function) calls the function on a pool thread and resumes on the awaiting loop.
// Thread rule: run() on any event loop; construction and destruction outside the pool. The
// destructor runs what is queued, then joins; nobody may be awaiting any more.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "common/async/event_loop.h"

namespace strata::async {

class BlockingPool {
 public:
  class Job {
   public:
    virtual void execute() noexcept = 0;

   protected:
    ~Job() = default;
  };

  // name: what the threads are called in ps and gdb, 12 characters at most.
  BlockingPool(std::string name, size_t threads);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  template <typename F>
  class RunAwaiter final : public Job {
   public:
    using Value = std::invoke_result_t<F>;
    static_assert(!std::is_void_v<Value>, "return a Status");
    RunAwaiter(BlockingPool& pool, F function) : pool_(pool), function_(std::move(function)) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      loop_ = &EventLoop::current();
      pool_.enqueue(*this);
    }
    [[nodiscard]] Value await_resume() { return std::move(*value_); }
    void execute() noexcept override {
      value_.emplace(function_());
      loop_->post(waiter_);
    }

   private:
    BlockingPool& pool_;
    F function_;
    EventLoop* loop_ = nullptr;
    std::coroutine_handle<> waiter_;
    std::optional<Value> value_;
  };

  // The function must not throw. GCC 12: name the lambda first, then co_await
  // pool.run(std::move(it)).
  template <typename F>
  [[nodiscard]] RunAwaiter<F> run(F function) {
    return RunAwaiter<F>(*this, std::move(function));
  }

  // The job must stay alive until it has executed.
  void enqueue(Job& job);
  [[nodiscard]] size_t queued() const;

 private:
  void work(const std::string& name);

  mutable std::mutex mutex_;
  std::condition_variable available_;
  std::deque<Job*> jobs_;  // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace strata::async
