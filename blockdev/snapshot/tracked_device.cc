#include "blockdev/snapshot/tracked_device.h"

#include "blockdev/snapshot/slow_path.h"
#include "blockdev/snapshot/tracked_queue.h"
#include "common/base/check.h"

namespace strata::snapshot {

Result<std::unique_ptr<TrackedDevice>> TrackedDevice::open(Parts parts) {
  std::unique_ptr<TrackedDevice> self(new TrackedDevice(std::move(parts.image)));
  TRY_ASSIGN(self->open_, Bitmap::create());
  TRY_ASSIGN(self->marked_, Bitmap::create());
  TRY_ASSIGN(self->present_, Bitmap::create());
  // What is marked already and in the image is open. A chunk of the origin that was never hydrated
  // cannot have been marked, since it is noted as hydrated before it is opened.
  if (parts.state->tracks()) self->open_->add(parts.state->marks(), Bitmap::kBits);
  self->slow_path_ = std::make_unique<SlowPath>(*self, parts);
  TRY(self->slow_path_->start());
  self->on_close_ = std::move(parts.on_close);
  return self;
}

TrackedDevice::~TrackedDevice() {
  if (on_close_) on_close_();
  slow_path_.reset();
  CHECK(lanes_.empty(), "a device was destroyed before its queues");
}

Result<std::unique_ptr<device::BlockQueue>> TrackedDevice::open_queue(ring::Ring& ring) {
  TRY_ASSIGN(auto image, image_->open_queue(ring));
  auto queue = std::make_unique<TrackedQueue>(*this, ring, std::move(image));
  TRY(queue->start());
  return std::unique_ptr<device::BlockQueue>(std::move(queue));
}

TrackedDevice::Use TrackedDevice::use() {
  Use out;
  const std::lock_guard lock(lanes_mutex_);
  for (const Lane* lane : lanes_) {
    out.writing |= lane->writing.load(std::memory_order_relaxed) != 0;
    out.passed += lane->passed.load(std::memory_order_relaxed);
  }
  return out;
}

}  // namespace strata::snapshot
