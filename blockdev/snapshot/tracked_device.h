// TrackedDevice: the layer over a volume's image that makes snapshots and lazy restores possible.
//
// Every chunk is `open` for writing or not. A write to an open chunk costs two atomic operations of
// a counter of its queue's and a look at a bit; the request goes straight on. A write to one that
// is not is kept, and the office (slow_path.h), a thread of the volume's, opens the chunk:
//
//   absent      not fetched yet from the snapshot the volume is restored from: fetch it, write it
//               to the image, flush it, and note durably that it is there
//   unmarked    note durably that it may change, before it does
//   preserved   a snapshot in progress needs its bytes: keep a copy of them
//
// To a chunk that is marked already and that a snapshot in progress needs, a small write makes its
// way without the office: its queue reads the blocks that it touches, so that they are kept
// (copy_set.h), and then writes. The chunk stays closed until it was copied.
//
// A volume that was never in a snapshot has every chunk open, and no office.
//
// The instant of a snapshot: the gate is closed, so that new writes wait; the writes under way end;
// every chunk is closed; the gate opens. So what was answered before the instant is in the
// snapshot, and nothing that was submitted after it. Nothing is written to disk while the gate is
// closed.
//
// Invariants
//   1. A writer raises its lane's count before it looks at the gate; the office closes the gate
//      before it looks at the counts (both sequentially consistent). So one of the two sees the
//      other.
//   2. A chunk is opened by the office, or by a writer of which the office knows that it is under
//      way; it is closed only while no write is.
//   3. A chunk counts as marked from when that is durable until the next instant, and what is
//      marked is in the image.
//   4. A request that is kept has handed in exactly one demand, and comes back by its lane.
//
// Thread rule: as every BlockDevice; the snapshot's and hydration's methods from any thread that is
// no queue's: they block.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "blockdev/device/block_device.h"
#include "blockdev/snapshot/bitmap.h"
#include "blockdev/snapshot/chunk_fetcher.h"
#include "blockdev/snapshot/volume_state.h"
#include "common/base/unique_fd.h"

namespace strata::snapshot {

class SlowPath;

// One queue's side of the device.
struct alignas(64) Lane {
  std::atomic<uint32_t> writing{0};      // writes under way in the image
  std::atomic<uint64_t> passed{0};       // reads and flushes so far; only the owner adds
  UniqueFd signal;                       // readable when `granted` may hold requests
  device::IoRequest* granted = nullptr;  // by state.next_queued; under the device's mutex
};

class TrackedDevice final : public device::BlockDevice {
 public:
  struct Parts {
    std::unique_ptr<device::BlockDevice> image;
    std::unique_ptr<VolumeState> state;
    ChunkFetcher* fetcher = nullptr;  // outlives the device; needed while the state has an origin
    std::string name;                 // for the log
    std::string preserved_path;       // a scratch file for preserved chunks; none there now
    io::FileSystem* files = nullptr;  // outlives the device
    std::function<void()> on_close;   // called first by the destructor; may be empty
  };
  [[nodiscard]] static Result<std::unique_ptr<TrackedDevice>> open(Parts parts);
  ~TrackedDevice() override;

  [[nodiscard]] device::Geometry geometry() const noexcept override { return image_->geometry(); }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override {
    return image_->capabilities();
  }
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override;

  // What a snapshot and the hydration ask for; see slow_path.h.
  [[nodiscard]] SlowPath& slow_path() noexcept { return *slow_path_; }
  // The bytes as they are, past everything that is done here: for copying.
  [[nodiscard]] device::BlockDevice& image() noexcept { return *image_; }
  // What the device is used for right now: for those who stand back from it.
  struct Use {
    bool writing = false;  // a write is under way
    uint64_t passed = 0;   // reads and flushes so far, of the queues that there are
  };
  [[nodiscard]] Use use();
  // Whether some chunks have not been fetched yet.
  [[nodiscard]] bool hydrating() const noexcept {
    return hydrating_.load(std::memory_order_acquire);
  }

 private:
  friend class TrackedQueue;
  friend class SlowPath;
  explicit TrackedDevice(std::unique_ptr<device::BlockDevice> image) : image_(std::move(image)) {}

  enum class Way : uint8_t { kOpen, kMarked, kOffice };
  // For writers, between raising their lane's count and starting.
  [[nodiscard]] Way way_to_write(ChunkRange range) const noexcept {
    if (gate_closed_.load(std::memory_order_seq_cst)) return Way::kOffice;
    if (all_open_.load(std::memory_order_acquire) || open_->all(range)) return Way::kOpen;
    return marked_->all(range) ? Way::kMarked : Way::kOffice;
  }
  [[nodiscard]] bool may_read(ChunkRange range) const noexcept {
    return !hydrating() || present_->all(range);
  }

  const std::unique_ptr<device::BlockDevice> image_;
  std::atomic<bool> gate_closed_{false};
  std::atomic<bool> all_open_{true};
  std::atomic<bool> hydrating_{false};
  std::unique_ptr<Bitmap> open_;
  std::unique_ptr<Bitmap> marked_;   // since the last instant
  std::unique_ptr<Bitmap> present_;  // in the image, for reading; used while hydrating
  std::mutex lanes_mutex_;
  std::vector<Lane*> lanes_;
  std::unique_ptr<SlowPath> slow_path_;
  std::function<void()> on_close_;
};

// The chunks that bytes [offset, offset + length) touch.
[[nodiscard]] inline ChunkRange chunks_touched(uint64_t offset, uint64_t length) noexcept {
  if (length == 0) return {};
  return {offset / chunks::kChunkBytes, (offset + length - 1) / chunks::kChunkBytes + 1};
}

}  // namespace strata::snapshot
