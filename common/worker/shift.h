// Shift: when one worker's next step is due, from what its steps returned and what people asked
// for. No threads and no clock here: every call is told the time.
//
// Thread rule: none of its own; the crew's lock guards it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/worker/token_bucket.h"
#include "common/worker/worker.h"

namespace strata::worker {

// After a step that failed: doubled from the first to the last with every failure in a row.
inline constexpr Duration kBackoffFirst = std::chrono::seconds(1);
inline constexpr Duration kBackoffLast = std::chrono::minutes(5);
// A worker that asks for a longer wait is asked again after this one.
inline constexpr Duration kWaitMax = std::chrono::hours(24 * 30);

enum class State {
  kIdle,     // nothing to do until its time comes, or somebody starts it
  kRunning,  // in the middle of a pass; between two steps it may be held back by its rate
  kPaused,   // by a person, until resumed
  kFailed,   // its last step failed; it is tried again
};
[[nodiscard]] std::string_view state_name(State state) noexcept;

class Shift {
 public:
  Shift(uint64_t rate, bool paused) : bucket_(rate), paused_(paused) {}

  // When the next step may begin; nullopt while it is paused or stepping.
  [[nodiscard]] std::optional<SteadyTime> due() const noexcept;
  void step_begins() noexcept { stepping_ = true; }
  void step_ended(const Result<Step>& step, SteadyTime now);
  // The next step is due as soon as the rate lets it.
  void wake(SteadyTime now) noexcept;
  void set_paused(bool paused) noexcept { paused_ = paused; }
  void set_rate(uint64_t rate, SteadyTime now) { bucket_.set_rate(rate, now); }

  [[nodiscard]] State state() const noexcept;
  [[nodiscard]] bool paused() const noexcept { return paused_; }
  [[nodiscard]] uint64_t rate() const noexcept { return bucket_.rate(); }
  [[nodiscard]] uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] uint32_t failures() const noexcept { return failures_; }
  // Of the last step, if it failed.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  TokenBucket bucket_;
  bool paused_;
  bool stepping_ = false;
  bool more_ = false;
  bool woken_ = false;  // while stepping
  uint32_t failures_ = 0;
  std::string reason_;
  uint64_t bytes_ = 0;
  SteadyTime due_{};
};

}  // namespace strata::worker
