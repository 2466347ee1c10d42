// Gate: counts the tasks that a component has started, so that its stop() can wait for all of them.
//
// Thread rule: a gate belongs to one event loop.
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include "common/async/task.h"
#include "common/base/check.h"

namespace strata::async {

class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { CHECK(inside_ == 0, "a gate is closed and awaited before it dies"); }

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] uint64_t inside() const noexcept { return inside_; }

  // Nobody enters from now on.
  void close() noexcept { closed_ = true; }

  struct Empty {
    Gate& gate;
    [[nodiscard]] bool await_ready() const noexcept { return gate.inside_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept {
      CHECK(!gate.waiter_, "one waiter a gate");
      gate.waiter_ = waiter;
    }
    void await_resume() const noexcept {}
  };
  // co_await gate.empty(): until everybody left. Call close() first.
  [[nodiscard]] Empty empty() noexcept { return Empty{*this}; }

  void enter() noexcept { ++inside_; }
  void leave() noexcept {
    CHECK(inside_ > 0);
    if (--inside_ == 0 && waiter_) std::exchange(waiter_, {}).resume();
  }

 private:
  uint64_t inside_ = 0;
  bool closed_ = false;
  std::coroutine_handle<> waiter_;
};

namespace detail {
inline Detached run_in_gate(Gate& gate, Task<void> task) {
  {
    Task<void> mine = std::move(task);
    co_await std::move(mine);
  }  // The task's frame, with all that it holds, is gone before it counts as having left.
  gate.leave();
}
}  // namespace detail

// Starts the task on the current loop, now, inside the gate. False (task dropped) if it is closed.
inline bool spawn(Gate& gate, Task<void> task) {
  if (gate.closed()) return false;
  gate.enter();
  detail::run_in_gate(gate, std::move(task));
  return true;
}

}  // namespace strata::async
