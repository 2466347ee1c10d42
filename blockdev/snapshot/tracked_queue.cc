#include "blockdev/snapshot/tracked_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "blockdev/snapshot/slow_path.h"
#include "common/base/check.h"

namespace strata::snapshot {
namespace {

using device::IoRequest;
using device::Op;

bool writes(const IoRequest& request) noexcept {
  return request.op == Op::kWrite || request.op == Op::kTrim || request.op == Op::kWriteZeroes;
}

}  // namespace

TrackedQueue::TrackedQueue(TrackedDevice& device, ring::Ring& ring,
                           std::unique_ptr<device::BlockQueue> image)
    : device_(device),
      ring_(ring),
      image_(std::move(image)),
      slots_(std::make_unique<std::array<Slot, kSlots>>()) {
  for (Slot& slot : *slots_) {
    slot.queue = this;
    slot.next_free = std::exchange(free_, &slot);
  }
  wakeup_.queue = this;
  wakeup_.complete = [](ring::Operation& op, int32_t) noexcept {
    TrackedQueue& queue = *static_cast<Wakeup&>(op).queue;
    queue.wakeup_armed_ = false;
    queue.run_granted();
  };
}

TrackedQueue::~TrackedQueue() {
  CHECK(kept_ == 0 && !wakeup_armed_ && lane_.writing.load() == 0,
        "a block queue was destroyed before its requests completed");
  const std::lock_guard lock(device_.lanes_mutex_);
  std::erase(device_.lanes_, &lane_);
}

Status TrackedQueue::start() {
  lane_.signal = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!lane_.signal.valid()) return errno_error(errno, "eventfd for a block queue");
  const std::lock_guard lock(device_.lanes_mutex_);
  device_.lanes_.push_back(&lane_);
  return {};
}

void TrackedQueue::submit(IoRequest& request) noexcept {
  if (writes(request)) {
    return start_write(request);
  }
  lane_.passed.store(lane_.passed.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (request.op == Op::kFlush || !device_.hydrating()) {
    image_->submit(request);
  } else if (request.op == Op::kBlockStatus) {
    // What the image has holes for may be data that is not there yet.
    request.extents.front() = {.length = request.length};
    request.extent_count = 1;
    request.complete(request, 0);
  } else {
    start_read(request);
  }
}

void TrackedQueue::start_read(IoRequest& request) noexcept {
  if (device_.may_read(chunks_touched(request.offset, length_of(request)))) {
    return image_->submit(request);
  }
  keep(request, false);
}

void TrackedQueue::start_write(IoRequest& request) noexcept {
  if (free_ == nullptr) {
    request.state.next_queued = nullptr;
    (first_waiting_ == nullptr ? first_waiting_ : last_waiting_->state.next_queued) = &request;
    last_waiting_ = &request;
    return;
  }
  lane_.writing.fetch_add(1, std::memory_order_seq_cst);
  switch (device_.way_to_write(chunks_touched(request.offset, length_of(request)))) {
    case TrackedDevice::Way::kOpen:
      return submit_write(take_slot(request));
    case TrackedDevice::Way::kMarked:
      if (keep_and_write(request)) return;
      break;
    case TrackedDevice::Way::kOffice:
      break;
  }
  end_of_write();
  keep(request, true);
}

TrackedQueue::Slot& TrackedQueue::take_slot(IoRequest& outer) noexcept {
  Slot& slot = *std::exchange(free_, free_->next_free);
  slot.outer = &outer;
  return slot;
}

void TrackedQueue::submit_write(Slot& slot) noexcept {
  static_cast<IoRequest&>(slot) = *slot.outer;
  slot.state = device::DeviceState{};
  slot.complete = [](IoRequest& self, int32_t error) noexcept {
    auto& done = static_cast<Slot&>(self);
    done.queue->written(done, error);
  };
  image_->submit(slot);
}

// False: it takes the office.
bool TrackedQueue::keep_and_write(IoRequest& request) noexcept {
  CopySet& copies = device_.slow_path_->copies();
  const CopySet::Plan plan = copies.plan(request.offset, length_of(request));
  if (plan.keep == CopySet::Keep::kChunk) return false;
  if (plan.keep == CopySet::Keep::kNothing) {
    device_.open_->set_range(chunks_touched(request.offset, length_of(request)));
  }
  if (plan.run.count == 0) {
    submit_write(take_slot(request));
    return true;
  }
  KeptRoom::Piece piece = copies.room_for(plan.run);
  if (piece == nullptr) return false;
  Slot& slot = take_slot(request);
  slot.run = plan.run;
  slot.piece = std::move(piece);
  static_cast<IoRequest&>(slot) = IoRequest{};
  slot.op = Op::kRead;
  slot.offset = plan.run.offset();
  slot.buffer = {slot.piece.get(), copies.bytes_inside(plan.run)};
  slot.complete = [](IoRequest& self, int32_t error) noexcept {
    auto& done = static_cast<Slot&>(self);
    done.queue->blocks_read(done, error);
  };
  image_->submit(slot);
  return true;
}

void TrackedQueue::blocks_read(Slot& slot, int32_t error) noexcept {
  device_.slow_path_->copies().kept(
      slot.run, std::move(slot.piece),
      error == 0 ? Status()
                 : errno_error(-error, "the volume's image, for a snapshot in progress"));
  submit_write(slot);
}

void TrackedQueue::written(Slot& slot, int32_t error) noexcept {
  IoRequest& outer = *slot.outer;
  slot.next_free = std::exchange(free_, &slot);
  end_of_write();
  outer.error_offset = slot.error_offset;
  outer.complete(outer, error);
  if (std::exchange(in_waiting_, true)) return;
  // One that is kept takes no slot, so the next one has its turn.
  while (first_waiting_ != nullptr && free_ != nullptr) {
    IoRequest& next = *first_waiting_;
    first_waiting_ = std::exchange(next.state.next_queued, nullptr);
    start_write(next);
  }
  in_waiting_ = false;
}

void TrackedQueue::end_of_write() noexcept {
  lane_.writing.fetch_sub(1, std::memory_order_seq_cst);
  if (device_.gate_closed_.load(std::memory_order_seq_cst)) device_.slow_path_->writes_ended();
}

void TrackedQueue::keep(IoRequest& request, bool write) noexcept {
  request.state = device::DeviceState{};
  request.state.lane = &lane_;
  ++kept_;
  arm_wakeup();
  device_.slow_path_->demand(request, length_of(request), write);
}

void TrackedQueue::arm_wakeup() noexcept {
  if (wakeup_armed_) return;
  wakeup_armed_ = true;
  ring_.poll(wakeup_, lane_.signal.get(), POLLIN);
}

void TrackedQueue::run_granted() noexcept {
  uint64_t count = 0;
  // Nothing to read means a signal for requests that were taken before: fine.
  (void)!::read(lane_.signal.get(), &count, sizeof count);
  IoRequest* request = device_.slow_path_->take_granted(lane_);
  while (request != nullptr) {
    IoRequest* const following = std::exchange(request->state.next_queued, nullptr);
    --kept_;
    if (request->state.attempts != 0) {
      request->complete(*request, -static_cast<int32_t>(request->state.attempts));
    } else if (writes(*request)) {
      start_write(*request);
    } else {
      submit(*request);
    }
    request = following;
  }
  if (kept_ > 0) arm_wakeup();
}

}  // namespace strata::snapshot
