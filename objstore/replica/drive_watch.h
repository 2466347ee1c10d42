// DriveWatch: looks at the drives every so often, from a loop that no drive can block.
//
// Thread rule: made and destroyed outside the loop, while the loop runs.
#pragma once

#include <functional>

#include "common/async/event_loop.h"

namespace strata::replica {

class DriveWatch final : private async::Timer {
 public:
  // look: called on the loop, every `period`; it does not block.
  DriveWatch(async::EventLoop& loop, Duration period, std::function<void()> look);
  // look is not called any more when this returns.
  ~DriveWatch();
  DriveWatch(const DriveWatch&) = delete;
  DriveWatch& operator=(const DriveWatch&) = delete;

 private:
  void expired() noexcept override;

  async::EventLoop& loop_;
  const Duration period_;
  const std::function<void()> look_;
};

}  // namespace strata::replica
