#include "common/async/timer_heap.h"

namespace strata::async {

TimerHeap::~TimerHeap() {
  for (const Entry& entry : heap_) entry.timer->place_ = Timer::kUnset;
}

void TimerHeap::set(Timer& timer, SteadyTime when) {
  clear(timer);
  const Entry entry{when, &timer};
  heap_.push_back(entry);
  rise(heap_.size() - 1, entry);
}

void TimerHeap::clear(Timer& timer) noexcept {
  const size_t place = timer.place_;
  if (place == Timer::kUnset) return;
  timer.place_ = Timer::kUnset;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.timer == &timer) return;
  // The last one fills the gap, and may belong above or below it.
  if (place > 0 && last.when < heap_[(place - 1) / 2].when) {
    rise(place, last);
  } else {
    sink(place, last);
  }
}

void TimerHeap::put(size_t place, Entry entry) noexcept {
  heap_[place] = entry;
  entry.timer->place_ = place;
}

void TimerHeap::rise(size_t place, Entry entry) noexcept {
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (!(entry.when < heap_[parent].when)) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerHeap::sink(size_t place, Entry entry) noexcept {
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) ++child;
    if (!(heap_[child].when < entry.when)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, entry);
}

}  // namespace strata::async
