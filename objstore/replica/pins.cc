#include "objstore/replica/pins.h"

#include <algorithm>

namespace strata::replica {

class PinBoard::Pin final : public ReadPin {
 public:
  Pin(PinBoard& board, uint64_t time) : board_(board), time_(time) {}
  ~Pin() override { board_.release(time_); }

 private:
  PinBoard& board_;
  uint64_t time_;
};

std::unique_ptr<ReadPin> PinBoard::pin() {
  const std::lock_guard lock(mutex_);
  if (pinned_.empty() || pinned_.back().time != time_) pinned_.push_back(Pinned{time_, 0});
  ++pinned_.back().pins;
  return std::make_unique<Pin>(*this, time_);
}

uint64_t PinBoard::mark() {
  const std::lock_guard lock(mutex_);
  return ++time_;
}

bool PinBoard::released_since(uint64_t mark) const {
  const std::lock_guard lock(mutex_);
  return pinned_.empty() || pinned_.front().time >= mark;
}

void PinBoard::dropped(DroppedBlobs blobs) {
  std::vector<DroppedBlobs> free;
  {
    const std::lock_guard lock(mutex_);
    ++time_;
    kept_.push_back(Kept{time_, std::move(blobs)});
    free = take_free();
  }
  if (!free.empty()) free_(std::move(free));
}

void PinBoard::release(uint64_t time) {
  std::vector<DroppedBlobs> free;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::lower_bound(pinned_, time, {}, &Pinned::time);
    --found->pins;
    while (!pinned_.empty() && pinned_.front().pins == 0) pinned_.pop_front();
    if (!kept_.empty()) free = take_free();
  }
  if (!free.empty()) free_(std::move(free));
}

std::vector<DroppedBlobs> PinBoard::take_free() {
  std::vector<DroppedBlobs> free;
  // A pin that came at time t holds what was dropped at t + 1 and later.
  while (!kept_.empty() && (pinned_.empty() || kept_.front().time <= pinned_.front().time)) {
    free.push_back(std::move(kept_.front().blobs));
    kept_.pop_front();
  }
  return free;
}

}  // namespace strata::replica
