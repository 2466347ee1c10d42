#include "common/worker/token_bucket.h"

#include <algorithm>

namespace strata::worker {
namespace {

// The time that so many bytes take at the rate, at most kDebtMax.
Duration time_of(double bytes, uint64_t rate) {
  const double seconds = bytes / static_cast<double>(rate);
  if (seconds >= std::chrono::duration<double>(kDebtMax).count()) return kDebtMax;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

void TokenBucket::set_rate(uint64_t rate, SteadyTime now) {
  if (rate_ != 0 && free_at_ > now) {
    const double owed =
        std::chrono::duration<double>(free_at_ - now).count() * static_cast<double>(rate_);
    free_at_ = rate == 0 ? now : now + time_of(owed, rate);
  }
  rate_ = rate;
}

void TokenBucket::take(uint64_t bytes, SteadyTime now) {
  if (rate_ == 0 || bytes == 0) return;
  const SteadyTime from = std::max(free_at_, now - kBurst);
  free_at_ = std::min(from + time_of(static_cast<double>(bytes), rate_), now + kDebtMax);
}

}  // namespace strata::worker
