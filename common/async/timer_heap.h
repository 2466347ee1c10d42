// TimerHeap: timers in the order of their times; setting and clearing one allocates nothing.
//
// A binary heap whose timers know their place in it. Most deadlines are later than all that are
// set, so setting one mostly costs one step.
//
// Thread rule: one thread.
#pragma once

#include <cstddef>
#include <vector>

#include "common/base/deadline.h"

namespace strata::async {

// A point in time at which something is called on the loop. Not movable while it is set.
class Timer {
 public:
  virtual void expired() noexcept = 0;

 protected:
  ~Timer() = default;

 private:
  friend class TimerHeap;
  static constexpr size_t kUnset = static_cast<size_t>(-1);
  size_t place_ = kUnset;
};

class TimerHeap {
 public:
  TimerHeap() = default;
  // Whoever is still set is unset, and never expires.
  ~TimerHeap();
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;

  // Sets the timer, which may be set already.
  void set(Timer& timer, SteadyTime when);
  void clear(Timer& timer) noexcept;

  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] size_t size() const noexcept { return heap_.size(); }
  // The earliest; only where the heap is not empty.
  [[nodiscard]] Timer& first() const noexcept { return *heap_.front().timer; }
  [[nodiscard]] SteadyTime first_time() const noexcept { return heap_.front().when; }

 private:
  // The time stands here too, so that comparing touches no timer.
  struct Entry {
    SteadyTime when;
    Timer* timer;
  };
  void put(size_t place, Entry entry) noexcept;
  // Moves the entry from its place to where it belongs.
  void rise(size_t place, Entry entry) noexcept;
  void sink(size_t place, Entry entry) noexcept;

  std::vector<Entry> heap_;
};

}  // namespace strata::async
