// KeyMutex: mutual exclusion by name between tasks on any number of event loops.
//
// Waiters queue in order of arrival and are resumed on their own loop. Names share a fixed number
// of stripes, so two names may wait for each other: a task holds one lock at a time.
#pragma once

#include <array>
#include <coroutine>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>

#include "common/async/event_loop.h"

namespace strata::async {

class KeyMutex {
  struct Waiter {
    EventLoop* loop;
    std::coroutine_handle<> handle;
  };
  struct Stripe {
    std::mutex mutex;
    bool held = false;           // guarded by mutex
    std::deque<Waiter> waiters;  // guarded by mutex
  };

 public:
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
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> waiter) {
      const std::lock_guard lock(stripe_.mutex);
      if (!stripe_.held) {
        stripe_.held = true;
        return false;
      }
      stripe_.waiters.push_back({&EventLoop::current(), waiter});
      return true;
    }
    [[nodiscard]] Guard await_resume() const noexcept { return Guard(&stripe_); }

   private:
    Stripe& stripe_;
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
      if (stripe.waiters.empty()) {
        stripe.held = false;
        return;
      }
      next = stripe.waiters.front();
      stripe.waiters.pop_front();
    }
    next.loop->post(next.handle);  // still held: ownership passes to the waiter
  }

  static constexpr size_t kStripes = 4096;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace strata::async
