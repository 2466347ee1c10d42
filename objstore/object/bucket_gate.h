// Which changes may happen in a bucket at the same time: commits share it, its creation and its
// deletion have it alone.
//
// Tasks queue in order of arrival and are resumed on their own loop; one that wants it alone holds
// back those that come after it, so that a busy bucket can be deleted. Buckets share a fixed number
// of gates, so two buckets may wait for each other: a task passes one gate at a time, and asks for
// no other lock while it is inside.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "common/async/event_loop.h"

namespace strata::object {

// Thread rule: any event loop. A pass may be given back on another thread than it was taken on.
class SharedGate {
 public:
  class Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), alone_(other.alone_) {}
    Pass& operator=(Pass&& other) noexcept;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { release(); }
    void release() noexcept;

   private:
    friend class SharedGate;
    Pass(SharedGate* gate, bool alone) noexcept : gate_(gate), alone_(alone) {}
    SharedGate* gate_ = nullptr;
    bool alone_ = false;
  };

  // Lives in the waiting coroutine's frame and is linked into the gate's queue while it waits.
  class Awaiter {
   public:
    Awaiter(SharedGate& gate, bool alone) noexcept : gate_(gate), alone_(alone) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] Pass await_resume() const noexcept { return Pass(&gate_, alone_); }

   private:
    friend class SharedGate;
    SharedGate& gate_;
    bool alone_;
    async::EventLoop* loop_ = nullptr;
    std::coroutine_handle<> waiter_;
    Awaiter* next_ = nullptr;
  };

  SharedGate() = default;
  SharedGate(const SharedGate&) = delete;
  SharedGate& operator=(const SharedGate&) = delete;

  // SharedGate::Pass pass = co_await gate.share();
  [[nodiscard]] Awaiter share() noexcept { return {*this, false}; }
  [[nodiscard]] Awaiter alone() noexcept { return {*this, true}; }

 private:
  void leave(bool alone) noexcept;
  // Lets in whoever may come in now. Called with mutex_ held.
  void admit() noexcept;

  std::mutex mutex_;
  uint64_t sharing_ = 0;      // guarded by mutex_, as are all below
  bool taken_alone_ = false;  // then sharing_ is 0
  Awaiter* first_ = nullptr;
  Awaiter* last_ = nullptr;
};

class BucketGate {
 public:
  [[nodiscard]] SharedGate& of(std::string_view bucket) noexcept {
    return gates_[std::hash<std::string_view>{}(bucket) % kGates];
  }

 private:
  static constexpr size_t kGates = 256;
  std::array<SharedGate, kGates> gates_;
};

}  // namespace strata::object
