// Completion<T>: one value handed from any thread to one task that awaits it on its loop.
#pragma once

#include <atomic>
#include <coroutine>
#include <optional>

#include "common/async/event_loop.h"

namespace strata::async {

// Lives in the awaiting coroutine's frame. Created on the loop; set() once, from any thread, after
// which the setter must not touch it again.
template <typename T>
class Completion {
 public:
  Completion() : loop_(EventLoop::current()) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  void set(T value) {
    EventLoop& loop = loop_;
    value_.emplace(std::move(value));
    // Either the waiter is already parked and is resumed, or it will see kSet and not park.
    void* const waiter = state_.exchange(kSet, std::memory_order_acq_rel);
    if (waiter != nullptr) loop.post(std::coroutine_handle<>::from_address(waiter));
  }

  [[nodiscard]] bool await_ready() const noexcept {
    return state_.load(std::memory_order_acquire) == kSet;
  }
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    void* expected = nullptr;
    return state_.compare_exchange_strong(expected, waiter.address(), std::memory_order_acq_rel);
  }
  [[nodiscard]] T await_resume() { return std::move(*value_); }

 private:
  inline static char set_marker = 0;
  static constexpr void* kSet = &set_marker;
  EventLoop& loop_;
  std::atomic<void*> state_{nullptr};
  std::optional<T> value_;
};

}  // namespace strata::async
