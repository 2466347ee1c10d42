// ThrottleLayer: requests wait until the rate limit lets them through, in the order of their
// arrival on each queue. The limit is shared by the queues, and may change while requests wait.
#pragma once

#include "blockdev/layers/layer.h"
#include "blockdev/layers/rate_limit.h"
#include "blockdev/layers/timekeeper.h"

namespace strata::layers {

class ThrottleLayer final : public Layer {
 public:
  // limit and time outlive the layer.
  ThrottleLayer(RateLimit& limit, Timekeeper& time) noexcept : limit_(limit), time_(time) {}
  [[nodiscard]] std::unique_ptr<LayerQueue> open(device::BlockQueue& next,
                                                 ring::Ring& ring) override;
  // A change of the limit is seen by waiting requests within this time.
  static constexpr Duration kLookAgain = std::chrono::milliseconds(50);
  // What a thread that was woken late makes up for, within as much time: beyond the 15 ms that a
  // bucket has room for.
  static constexpr Duration kLateMax = std::chrono::milliseconds(100);
  // Woken no later than this is in time: the bucket has room for it.
  static constexpr Duration kOnTime = std::chrono::milliseconds(1);

 private:
  RateLimit& limit_;
  Timekeeper& time_;
};

}  // namespace strata::layers
