// Timers against a sorted list.
#include "common/async/timer_heap.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

namespace strata::async {
namespace {

struct Silent final : Timer {
  void expired() noexcept override {}
};

SteadyTime at(int64_t tick) {
  return SteadyTime(std::chrono::nanoseconds(tick));
}

RC_GTEST_PROP(TimerHeap, the_first_timer_is_the_earliest_whatever_is_set_and_cleared, ()) {
  constexpr size_t kTimers = 20;
  std::array<Silent, kTimers> timers;
  std::map<size_t, int64_t> model;
  TimerHeap heap;
  // A negative tick clears the timer.
  const auto steps = *rc::gen::container<std::vector<std::pair<size_t, int64_t>>>(
      rc::gen::pair(rc::gen::inRange<size_t>(0, kTimers), rc::gen::inRange<int64_t>(-25, 50)));
  for (const auto& [timer, tick] : steps) {
    if (tick >= 0) {
      heap.set(timers.at(timer), at(tick));
      model[timer] = tick;
    } else {
      heap.clear(timers.at(timer));
      model.erase(timer);
    }
    RC_ASSERT(heap.size() == model.size());
    if (model.empty()) continue;
    int64_t earliest = model.begin()->second;
    for (const auto& entry : model) earliest = std::min(earliest, entry.second);
    RC_ASSERT(heap.first_time() == at(earliest));
  }
  // Taken out one by one they come in order, and each is one that was set for that time.
  SteadyTime last{};
  while (!heap.empty()) {
    const auto first = static_cast<size_t>(static_cast<Silent*>(&heap.first()) - timers.data());
    RC_ASSERT(heap.first_time() == at(model.at(first)));
    RC_ASSERT(heap.first_time() >= last);
    last = heap.first_time();
    heap.clear(heap.first());
    model.erase(first);
  }
  RC_ASSERT(model.empty());
}

TEST(TimerHeap, a_timer_that_outlives_its_heap_can_be_set_in_another) {
  Silent timer;
  {
    TimerHeap gone;
    gone.set(timer, at(1));
  }
  TimerHeap heap;
  heap.set(timer, at(2));
  EXPECT_EQ(heap.size(), 1u);
  heap.clear(timer);
  heap.clear(timer);
  EXPECT_TRUE(heap.empty());
}

}  // namespace
}  // namespace strata::async
