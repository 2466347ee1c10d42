// KeyMutex: mutual exclusion by name between tasks on any number of event loops.
//
// Waiters queue in order of arrival and are resumed on their own loop. Names share a fixed number
// of stripes, so two names may wait for each other: a task holds one lock at a time.
#pragma once

#include <array>
#include <coroutine>
#include <functional>
#include <mutex>
#include <string_view>
#include <utility>

#include "common/async/event_loop.h"

namespace strata::async {

class KeyMutex {
  // Lives in the awaiter, in the frame of the task that waits.
  struct Waiter {
    EventLoop* loop = nullptr;
    std::coroutine_handle<> handle;
    Waiter* next = nullptr;
  };
  struct Stripe {
    std::mutex mutex;
    bool held = false;        // guarded by mutex, and below
    Waiter* first = nullptr;  // the queue of those who wait
    Waiter* last = nullptr;
  };

 public:
  KeyMutex() = default;
  KeyMutex(const KeyMutex&) = delete;
  KeyMutex& operator=(const KeyMutex&) = delete;

  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept : stripe_(std::exchange(other.stripe_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      if (this != &other) {
        release();
        stripe_ = std::exchange(other.stripe_, nullptr);
      }
      return *this;
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { release(); }
    void release() noexcept {
      if (Stripe* stripe = std::exchange(stripe_, nullptr)) KeyMutex::unlock(*stripe);
    }

   private:
    friend class KeyMutex;
    explicit Guard(Stripe* stripe) noexcept : stripe_(stripe) {}
    Stripe* stripe_ = nullptr;
  };

  class LockAwaiter {
   public:
    explicit LockAwaiter(Stripe& stripe) noexcept : stripe_(stripe) {}
    LockAwaiter(const LockAwaiter&) = delete;
    LockAwaiter& operator=(const LockAwaiter&) = delete;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> waiter) {
      const std::lock_guard lock(stripe_.mutex);
      if (!stripe_.held) {
        stripe_.held = true;
        return false;
      }
      waiter_.loop = &EventLoop::current();
      waiter_.handle = waiter;
      (stripe_.last == nullptr ? stripe_.first : stripe_.last->next) = &waiter_;
      stripe_.last = &waiter_;
      return true;
    }
    [[nodiscard]] Guard await_resume() const noexcept { return Guard(&stripe_); }

   private:
    Stripe& stripe_;
    Waiter waiter_;
  };

  // KeyMutex::Guard guard = co_await mutex.lock(name);
  [[nodiscard]] LockAwaiter lock(std::string_view name) noexcept {
    return LockAwaiter(stripes_[std::hash<std::string_view>{}(name) % kStripes]);
  }

 private:
  static void unlock(Stripe& stripe) noexcept {
    Waiter next{};
    {
      const std::lock_guard lock(stripe.mutex);
      if (stripe.first == nullptr) {
        stripe.held = false;
        return;
      }
      next = *stripe.first;
      stripe.first = next.next;
      if (stripe.first == nullptr) stripe.last = nullptr;
    }
    next.loop->post(next.handle);  // still held: ownership passes to the waiter
  }

  static constexpr size_t kStripes = 4096;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace strata::async
