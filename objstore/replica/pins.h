// PinBoard: which dropped blobs must still be kept because a reader came before the drop.
//
// Thread rule: every method from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "objstore/drive/change.h"
#include "objstore/replica/store.h"

namespace strata::replica {

// Blobs of one change that may be freed together, on the drives of its placement.
struct DroppedBlobs {
  uint64_t placement = 0;
  std::vector<drive::BlobName> blobs;
};

class PinBoard {
 public:
  // free: called with what no pin holds any more; from any thread, under no lock.
  explicit PinBoard(std::function<void(std::vector<DroppedBlobs>)> free) : free_(std::move(free)) {}

  [[nodiscard]] std::unique_ptr<ReadPin> pin();
  // A moment, and whether every pin that was there before it has gone.
  [[nodiscard]] uint64_t mark();
  [[nodiscard]] bool released_since(uint64_t mark) const;
  // Frees at once if no pin lives, else when the last one that lives now has gone.
  void dropped(DroppedBlobs blobs);

 private:
  class Pin;
  void release(uint64_t time);
  // Takes what is free now; called with the mutex held.
  [[nodiscard]] std::vector<DroppedBlobs> take_free();

  std::function<void(std::vector<DroppedBlobs>)> free_;
  mutable std::mutex mutex_;
  uint64_t time_ = 0;  // guarded by mutex_: counts drops
  // Living pins by the time at which they came, ascending; few drops happen while one lives, so
  // few times stand here. Guarded by mutex_.
  struct Pinned {
    uint64_t time;
    uint64_t pins;
  };
  std::deque<Pinned> pinned_;
  struct Kept {
    uint64_t time;
    DroppedBlobs blobs;
  };
  std::deque<Kept> kept_;  // guarded by mutex_, by time
};

}  // namespace strata::replica
