#include "objstore/replica/pins.h"

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
  pinned_.insert(time_);
  return std::make_unique<Pin>(*this, time_);
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
    pinned_.erase(pinned_.find(time));
    free = take_free();
  }
  if (!free.empty()) free_(std::move(free));
}

std::vector<DroppedBlobs> PinBoard::take_free() {
  std::vector<DroppedBlobs> free;
  // A pin that came at time t holds what was dropped at t + 1 and later.
  while (!kept_.empty() && (pinned_.empty() || kept_.front().time <= *pinned_.begin())) {
    free.push_back(std::move(kept_.front().blobs));
    kept_.pop_front();
  }
  return free;
}

}  // namespace strata::replica
