#include "common/worker/shift.h"

#include <algorithm>

namespace strata::worker {

std::string_view state_name(State state) noexcept {
  switch (state) {
    case State::kIdle:
      return "idle";
    case State::kRunning:
      return "running";
    case State::kPaused:
      return "paused";
    case State::kFailed:
      return "failed";
  }
  return "unknown";
}

std::optional<SteadyTime> Shift::due() const noexcept {
  if (paused_ || stepping_) return std::nullopt;
  return std::max(due_, bucket_.ready());
}

void Shift::step_ended(const Result<Step>& step, SteadyTime now) {
  stepping_ = false;
  const bool woken = std::exchange(woken_, false);
  if (!step.ok()) {
    more_ = false;
    reason_ = step.error().to_string();
    Duration backoff = kBackoffFirst;
    for (uint32_t i = 0; i < failures_ && backoff < kBackoffLast; ++i) backoff *= 2;
    ++failures_;
    due_ = now + std::min(backoff, kBackoffLast);
    return;
  }
  failures_ = 0;
  reason_.clear();
  bytes_ += step->bytes;
  bucket_.take(step->bytes, now);
  more_ = step->more;
  due_ = now;
  if (!step->more && !woken) due_ += std::clamp(step->wait, Duration::zero(), kWaitMax);
}

void Shift::wake(SteadyTime now) noexcept {
  if (stepping_) woken_ = true;
  due_ = std::min(due_, now);
}

State Shift::state() const noexcept {
  if (paused_) return State::kPaused;
  if (failures_ > 0) return State::kFailed;
  return stepping_ || more_ ? State::kRunning : State::kIdle;
}

}  // namespace strata::worker
