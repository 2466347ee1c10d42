// Task<T>: a lazy coroutine that is awaited exactly once.
//
// A task starts when it is awaited and finishes on the event loop it started on: everything that
// leaves the loop (a blocking pool, another loop) comes back to it before the task goes on. So a
// task and the one awaiting it never run at the same time, and need no locks between them.
//
// A task that finishes without waiting costs its awaiter no suspension and no stack: loops over
// tasks that are ready at once run in constant stack at every optimisation level.
//
// Rules for GCC 12 (the compiler has bugs here; ARCHITECTURE.md lists them): no capturing lambda in
// a full expression with co_await, name non-trivial temporaries before awaiting, no co_await in a
// catch block, parameters of spawned tasks by value.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "common/async/frame_pool.h"
#include "common/base/check.h"

namespace strata::async {

template <typename T>
class Task;

namespace detail {

// What every promise of a Task shares: who waits, and whether it finished before they suspended.
class PromiseBase {
 public:
  static void* operator new(size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, size_t bytes) noexcept { free_frame(frame, bytes); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <typename Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      promise.done_ = true;
      if (promise.continuation_) return promise.continuation_;
      return std::noop_coroutine();  // finished inside the awaiter's await_suspend
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  // Foreign exceptions end at their library's wall; one that gets here is a bug.
  void unhandled_exception() noexcept {
    check_failed("no exception leaves a task", __FILE__, __LINE__, "");
  }

  std::coroutine_handle<> continuation_;
  bool done_ = false;
};

template <typename T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  [[nodiscard]] T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Value = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    std::coroutine_handle<promise_type> child;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> parent) const noexcept {
      child.resume();
      if (child.promise().done_) return false;
      child.promise().continuation_ = parent;
      return true;
    }
    [[nodiscard]] T await_resume() const { return child.promise().take(); }
  };
  Awaiter operator co_await() && noexcept {
    CHECK(handle_, "a task is awaited once");
    return Awaiter{handle_};
  }

 private:
  friend detail::Promise<T>;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <typename T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// A coroutine that nobody awaits: it starts at once and frees itself at its end.
struct Detached {
  struct promise_type {
    static void* operator new(size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept { free_frame(frame, bytes); }

    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept {
      check_failed("no exception leaves a detached task", __FILE__, __LINE__, "");
    }
  };
};
}  // namespace detail

}  // namespace strata::async
