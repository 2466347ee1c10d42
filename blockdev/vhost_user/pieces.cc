// Queue: requests at the disk, a piece or a range at a time.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "blockdev/vhost_user/queue.h"

namespace strata::vhost_user {
namespace {

// A run of memory this long goes to the disk as it is, though more follows elsewhere.
constexpr uint64_t kDirectBytesMin = 64 * kKiB;
// Pieces but the last are whole blocks.
constexpr uint64_t kPieceUnit = 4096;
constexpr uint64_t kPieceBytesMax = 4 * kMiB;

}  // namespace

void Queue::submit(Slot& slot) noexcept {
  ++shared_.in_device;
  shared_.block->submit(slot);
}

void Queue::completed(Slot& slot, int32_t error) noexcept {
  --shared_.in_device;
  slot.error = error;
  slot.next = std::exchange(done_, &slot);
}

void Queue::end_piece(Slot& slot) noexcept {
  if (slot.bounce != nullptr) {
    if (slot.op == device::Op::kRead && slot.error == 0) copy_bounce(slot, true);
    release_bounce(slot);
  }
  slot.left -= slot.piece;
  slot.offset += slot.piece;
  slot.inside += slot.piece;
  while (slot.at < slot.segments.size() && slot.inside >= slot.segments[slot.at].bytes) {
    slot.inside -= slot.segments[slot.at++].bytes;
  }
}

void Queue::go_on(Slot& slot) {
  if (slot.error == 0) {
    if (slot.left > 0) return next_piece(slot);
    slot.piece = 0;
    if (slot.range < slot.ranges.count) return next_range(slot);
    if (slot.flush_after) {
      slot.flush_after = false;
      slot.op = device::Op::kFlush;
      slot.buffer = {};
      slot.length = 0;
      return submit(slot);
    }
  }
  const Instruments::OfOp& op = shared_.instruments.of(slot.op);
  op.requests->add();
  op.seconds->observe(std::chrono::steady_clock::now() - slot.started);
  if (slot.error != 0) {
    op.errors->add();
  } else if (slot.op == device::Op::kRead) {
    shared_.instruments.read_bytes.add(slot.writable_bytes - 1);
  }
  finish(slot, status_of(slot.error));
}

void Queue::next_piece(Slot& slot) {
  const Segment& segment = slot.segments[slot.at];
  uint64_t run = std::min(segment.bytes - slot.inside, slot.left);
  const bool last = run == slot.left;
  run = std::min(run, kPieceBytesMax);
  if (!last) run = round_down(run, kPieceUnit);
  if (!last && run < kDirectBytesMin) return next_bounced(slot);
  slot.piece = run;
  slot.buffer = {segment.data + slot.inside, run};
  slot.length = run;
  if (slot.op == device::Op::kWrite) shared_.instruments.written_bytes.add(run);
  submit(slot);
}

void Queue::next_bounced(Slot& slot) {
  slot.piece = std::min(slot.left, BouncePool::kBufferBytes);
  slot.bounce = shared_.bounces.take();
  if (slot.bounce == nullptr) {
    if (!shared_.bounces.empty()) return shared_.bounces.wait(slot);
    // Nobody will give one back.
    slot.piece = 0;
    ++shared_.in_device;
    return completed(slot, -ENOMEM);
  }
  slot.buffer = {slot.bounce, slot.piece};
  slot.length = slot.piece;
  if (slot.op == device::Op::kWrite) {
    shared_.instruments.written_bytes.add(slot.piece);
    copy_bounce(slot, false);
  }
  submit(slot);
}

void Queue::release_bounce(Slot& slot) {
  shared_.bounces.give_back(std::exchange(slot.bounce, nullptr));
  Slot* const waiting = shared_.bounces.next_waiting();
  if (waiting == nullptr) return;
  waiting->queue->next_bounced(*waiting);
  shared_.pump_wanted = true;
}

void Queue::copy_bounce(Slot& slot, bool to_guest) noexcept {
  std::byte* bounce = slot.bounce;
  uint64_t left = slot.piece;
  uint64_t inside = slot.inside;
  for (size_t at = slot.at; left > 0; ++at) {
    const Segment& segment = slot.segments[at];
    const uint64_t part = std::min(left, segment.bytes - inside);
    std::byte* const guest = segment.data + inside;
    std::memcpy(to_guest ? guest : bounce, to_guest ? bounce : guest, part);
    bounce += part;
    left -= part;
    inside = 0;
  }
}

void Queue::next_range(Slot& slot) {
  const BlockRange& range = slot.ranges.ranges.at(slot.range++);
  slot.offset = range.sector * kSectorBytes;
  slot.length = uint64_t{range.sectors} * kSectorBytes;
  slot.buffer = {};
  slot.may_punch = slot.op == device::Op::kTrim || (range.flags & kRangeUnmap) != 0;
  submit(slot);
}

}  // namespace strata::vhost_user
