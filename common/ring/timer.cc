#include "common/ring/timer.h"

#include <algorithm>

#include "common/base/check.h"

namespace strata::ring {

void TimerList::set(Timer& timer, SteadyTime due) {
  CHECK(timer.fire != nullptr);
  timer.due = due;
  if (timer.position != Timer::kNotSet) return;
  timer.position = timers_.size();
  timers_.push_back(&timer);
}

void TimerList::clear(Timer& timer) noexcept {
  const size_t at = timer.position;
  if (at == Timer::kNotSet) return;
  timers_[at] = timers_.back();
  timers_[at]->position = at;
  timers_.pop_back();
  timer.position = Timer::kNotSet;
}

SteadyTime TimerList::next_due() const noexcept {
  SteadyTime next = SteadyTime::max();
  for (const Timer* timer : timers_) next = std::min(next, timer->due);
  return next;
}

void TimerList::fire_due(SteadyTime now) noexcept {
  // A fire may set and clear any timer, so the list is looked at anew after each; at most as many
  // fire as there were, so that one that is always due does not hold the loop.
  for (size_t left = timers_.size(); left > 0; --left) {
    const auto due = std::find_if(timers_.begin(), timers_.end(),
                                  [now](const Timer* timer) { return timer->due <= now; });
    if (due == timers_.end()) return;
    Timer& timer = **due;
    clear(timer);
    timer.fire(timer);
  }
}

}  // namespace strata::ring
