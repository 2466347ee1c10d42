// TrackedQueue: the requests of one ring to a TrackedDevice.
//
// Reads and flushes go straight on to the image, unless a read waits for its chunk to be fetched. A
// write is passed on as a copy in a slot, so that its end is seen here; the slot first reads what a
// snapshot in progress needs of the blocks that are written to. When no slot is free, writes wait
// for one in the order in which they came.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "blockdev/snapshot/copy_set.h"
#include "blockdev/snapshot/tracked_device.h"

namespace strata::snapshot {

class TrackedQueue final : public device::BlockQueue {
 public:
  TrackedQueue(TrackedDevice& device, ring::Ring& ring, std::unique_ptr<device::BlockQueue> image);
  ~TrackedQueue() override;
  TrackedQueue(const TrackedQueue&) = delete;
  TrackedQueue& operator=(const TrackedQueue&) = delete;

  [[nodiscard]] Status start();
  void submit(device::IoRequest& request) noexcept override;

 private:
  static constexpr size_t kSlots = 256;
  struct Slot : device::IoRequest {
    TrackedQueue* queue = nullptr;
    device::IoRequest* outer = nullptr;
    Slot* next_free = nullptr;
    CopySet::BlockRun run;  // that is being kept
    KeptRoom::Piece piece;
  };
  struct Wakeup : ring::Operation {
    TrackedQueue* queue = nullptr;
  };

  void start_read(device::IoRequest& request) noexcept;
  void start_write(device::IoRequest& request) noexcept;
  [[nodiscard]] Slot& take_slot(device::IoRequest& outer) noexcept;
  void submit_write(Slot& slot) noexcept;
  [[nodiscard]] bool keep_and_write(device::IoRequest& request) noexcept;
  void blocks_read(Slot& slot, int32_t error) noexcept;
  void written(Slot& slot, int32_t error) noexcept;
  void end_of_write() noexcept;
  void keep(device::IoRequest& request, bool write) noexcept;
  void run_granted() noexcept;
  void arm_wakeup() noexcept;

  TrackedDevice& device_;
  ring::Ring& ring_;
  std::unique_ptr<device::BlockQueue> image_;
  Lane lane_;
  std::unique_ptr<std::array<Slot, kSlots>> slots_;
  Slot* free_ = nullptr;
  device::IoRequest* first_waiting_ = nullptr;  // for a slot, by state.next_queued
  device::IoRequest* last_waiting_ = nullptr;
  bool in_waiting_ = false;  // starting those that wait: an end inside it does not start over
  uint32_t kept_ = 0;
  bool wakeup_armed_ = false;
  Wakeup wakeup_;
};

}  // namespace strata::snapshot
