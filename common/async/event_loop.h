// EventLoop: one thread, one io_uring, coroutines.
//
// Thread rule: an EventLoop belongs to the thread that runs it; post() and stop() come from any
// thread. Awaitables are used inside tasks that run on the loop.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/async/frame_pool.h"
#include "common/async/task.h"
#include "common/async/timer_heap.h"
#include "common/base/bytes.h"
#include "common/base/deadline.h"
#include "common/base/result.h"
#include "common/ring/ring.h"

namespace strata::async {

class EventLoop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> create(ring::RingOptions options = {});
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // The loop whose run() this thread is inside; CHECK fails outside one.
  [[nodiscard]] static EventLoop& current() noexcept;
  [[nodiscard]] static bool inside_any() noexcept;

  // Runs until stop(); what was posted before is still run. Fails only if the ring broke.
  [[nodiscard]] Status run();
  void stop() noexcept;

  // Runs the handle or function on the loop's thread, in order. Any thread; never blocks. The loop
  // must be alive when the call begins; what was posted may end it meanwhile, its destructor waits
  // for the call.
  void post(std::coroutine_handle<> handle);
  void post(std::function<void()> function);

  void set_timer(Timer& timer, Deadline deadline);
  void clear_timer(Timer& timer) noexcept;

  [[nodiscard]] ring::Ring& ring() noexcept { return *ring_; }
  [[nodiscard]] SteadyTime now() const noexcept { return std::chrono::steady_clock::now(); }

 private:
  explicit EventLoop(std::unique_ptr<ring::Ring> ring) : ring_(std::move(ring)) {}
  struct Posted {
    std::coroutine_handle<> handle;
    std::function<void()> function;
  };
  void enqueue(Posted item);
  void run_posted();
  void wake_for_posted() noexcept;
  void run_timers() noexcept;
  std::unique_ptr<ring::Ring> ring_;
  FramePool frames_;
  TimerHeap timers_;
  bool posted_to_itself_ = false;  // since run_posted last began; the loop's thread only
  std::atomic<bool> stopping_{false};
  // Threads inside post. What one of them posted may let the owner go on and end the loop before
  // that thread has rung the bell.
  std::atomic<uint32_t> posting_{0};
  std::mutex posted_mutex_;
  std::vector<Posted> posted_;  // guarded by posted_mutex_
  std::vector<Posted> running_;
};

// co_await sleep_until(deadline).
class SleepAwaiter final : public Timer {
 public:
  explicit SleepAwaiter(Deadline deadline) noexcept : deadline_(deadline) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    EventLoop::current().set_timer(*this, deadline_);
  }
  void await_resume() const noexcept {}
  void expired() noexcept override { waiter_.resume(); }

 private:
  Deadline deadline_;
  std::coroutine_handle<> waiter_;
};
[[nodiscard]] inline SleepAwaiter sleep_until(Deadline deadline) {
  return SleepAwaiter(deadline);
}

// Runs the task on the loop from outside until it is done, then leaves the loop. For start-up,
// shutdown and tests: the loop must not be running.
template <typename T>
[[nodiscard]] Result<T> run_until_complete(EventLoop& loop, Task<T> task);

namespace detail {
template <typename T>
Detached complete_into(EventLoop& loop, Task<T> task, std::optional<T>& out) {
  {
    Task<T> mine = std::move(task);
    T value = co_await std::move(mine);
    out.emplace(std::move(value));
  }
  loop.stop();
}
inline Detached complete_into(EventLoop& loop, Task<void> task, bool& out) {
  {
    Task<void> mine = std::move(task);
    co_await std::move(mine);
  }
  out = true;
  loop.stop();
}
}  // namespace detail

template <typename T>
Result<T> run_until_complete(EventLoop& loop, Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    bool done = false;
    loop.post([&] { detail::complete_into(loop, std::move(task), done); });
    TRY(loop.run());
    CHECK(done, "somebody else stopped the loop");
    return {};
  } else {
    std::optional<T> value;
    loop.post([&] { detail::complete_into(loop, std::move(task), value); });
    TRY(loop.run());
    CHECK(value.has_value(), "somebody else stopped the loop");
    return std::move(*value);
  }
}

}  // namespace strata::async
