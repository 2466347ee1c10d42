#include "blockdev/vhost_user/queue.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "common/base/log.h"

namespace strata::vhost_user {
namespace {

// Requests after which a turn hands on what it has. One or two cost more system calls than the
// others' earlier begin is worth, all of a deep queue makes them wait.
constexpr uint32_t kHandOver = 8;

}  // namespace

Queue::~Queue() {
  shared_.retire(std::move(kick_));
}

Status Queue::set_entries(uint32_t entries) {
  if (running()) return Error(Code::kConflict, "the ring is running");
  if (entries > kRingEntriesMax || !std::has_single_bit(entries)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("a ring has a power of two of entries, at most {}", kRingEntriesMax));
  }
  entries_ = entries;
  return {};
}

Status Queue::set_base(uint32_t base) {
  if (running()) return Error(Code::kConflict, "the ring is running");
  if (base > UINT16_MAX) return Error(Code::kInvalidArgument, "a ring's base has 16 bits");
  next_available_ = static_cast<uint16_t>(base);
  return {};
}

Status Queue::set_address(const VringAddress& address) {
  if (address.flags != 0) {
    return Error(Code::kUnsupported, "changes of rings are not logged: there is no migration");
  }
  if (running()) {
    TRY_ASSIGN(ring_, SplitRing::map(shared_.memory, address, entries_));
    mapped_ = true;
    shared_.pump_wanted = true;
  }
  address_ = address;
  has_address_ = true;
  return {};
}

void Queue::remap() {
  if (!running()) return;
  Result<SplitRing> ring = SplitRing::map(shared_.memory, address_, entries_);
  mapped_ = ring.ok();
  if (!mapped_) {
    ring_ = {};
    log::info("vhost_user.ring_waits", {{"ring", index_}, {"reason", ring.error().message}});
    return;
  }
  ring_ = std::move(ring).value();
}

Status Queue::start(UniqueFd kick) {
  if (entries_ == 0 || !has_address_) {
    return Error(Code::kInvalidArgument, "a ring has no size or no address yet");
  }
  if (running()) {
    // Another descriptor for the same ring.
    shared_.retire(std::move(kick_));
    kick_ = shared_.watch(std::move(kick));
    shared_.pump_wanted = true;
    return {};
  }
  if (inflight_.present() && inflight_.entries() < entries_) {
    return Error(Code::kInvalidArgument,
                 fmt::format("a ring of {} entries, and the log of requests in flight has {}",
                             entries_, inflight_.entries()));
  }
  TRY_ASSIGN(ring_, SplitRing::map(shared_.memory, address_, entries_));
  broken_ = false;
  mapped_ = true;
  used_ = ring_.used_index();
  resume_.clear();
  resumed_ = 0;
  if (inflight_.present() && inflight_.recover(used_, resume_)) {
    std::erase_if(resume_, [this](uint16_t head) { return head >= entries_; });
    next_available_ = static_cast<uint16_t>(used_ + resume_.size());
    shared_.instruments.resumed_requests.add(resume_.size());
  }
  slots_ = std::vector<Slot>(entries_);
  for (size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].queue = this;
    slots_[i].head = static_cast<uint16_t>(i);
    slots_[i].complete = [](device::IoRequest& request, int32_t error) noexcept {
      auto& slot = static_cast<Slot&>(request);
      slot.queue->completed(slot, error);
    };
  }
  finished_.reserve(entries_);
  chain_.segments.reserve(kSegmentsMax);
  kick_ = shared_.watch(std::move(kick));
  // What was made available before is not announced again.
  shared_.pump_wanted = true;
  return {};
}

uint16_t Queue::stop() {
  shared_.retire(std::move(kick_));
  call_.set(UniqueFd());
  ring_ = {};
  slots_.clear();
  return next_available_;
}

void Queue::set_call(UniqueFd call) noexcept {
  call_.set(std::move(call));
  // What finished in between has not been announced.
  if (running()) call_.raise();
}

bool Queue::pump(bool may_fetch) {
  if (!running()) return false;
  if (kick_->fired) {
    uint64_t count = 0;
    iovec part{&count, sizeof count};
    // Without waiting: others may hold the descriptor and have read it.
    (void)preadv2(kick_->fd.get(), &part, 1, -1, RWF_NOWAIT);
  }
  advance();
  bool more = false;
  if (may_fetch && enabled_ && mapped_ && !broken_) {
    more = fetch();
    advance();
  }
  publish();
  if (!kick_->armed) shared_.arm(*kick_);
  return more;
}

void Queue::abandon() {
  shared_.retire(std::move(kick_));
  finished_.clear();
}

bool Queue::fetch() {
  const bool event_index = (shared_.features & kRingEventIndex) != 0;
  while (resumed_ < resume_.size()) {
    take(resume_[resumed_++]);
    if (broken_) return false;
  }
  ring_.disable_kicks(event_index);
  uint16_t available = ring_.available_index();
  for (uint32_t budget = entries_; budget > 0; --budget) {
    if (available == next_available_) {
      if (ring_.enable_kicks(event_index, next_available_)) return false;
      available = ring_.available_index();
      if (available == next_available_) continue;
    }
    if (static_cast<uint16_t>(available - next_available_) > entries_) {
      break_ring("more requests are available than the ring has entries");
      return false;
    }
    const uint16_t head = ring_.available_head(next_available_++);
    if (head >= entries_) {
      break_ring("a request's number is outside the ring");
      return false;
    }
    if (inflight_.present() && !slots_[head].busy) inflight_.taken(head);
    take(head);
    if (broken_) return false;
    if (budget % kHandOver == 1) {
      advance();
      shared_.ring.submit();
      publish();
    }
  }
  return true;
}

// What the disk has answered goes on, or ends.
void Queue::advance() {
  while (done_ != nullptr) {
    Slot& slot = *done_;
    done_ = std::exchange(slot.next, nullptr);
    end_piece(slot);
    go_on(slot);
    if (finished_.size() >= kHandOver) publish();
  }
}

void Queue::take(uint16_t head) {
  Slot& slot = slots_[head];
  if (slot.busy) return break_ring("a request is made available again before it was answered");
  const bool indirect = (shared_.features & kRingIndirect) != 0;
  std::string_view problem = walk_chain(ring_, shared_.memory, head, indirect, chain_);
  BlockRequest request;
  if (problem.empty()) problem = take_apart(chain_, request);
  // What was read may be the zeroes that stand for lost memory: the session ends before it acts,
  // and the request, of which nothing is known, stays in the log.
  if (shared_.memory.lost()) return break_ring("the shared memory was taken away");
  if (!problem.empty()) {
    // Else it would break the ring again that the guest makes after its reset.
    if (inflight_.present()) inflight_.forgotten(head);
    return break_ring(problem);
  }
  slot.busy = true;
  slot.started = shared_.now;
  slot.status = request.status;
  slot.writable_bytes = request.writable_bytes;
  slot.error = 0;
  slot.flush_after = false;
  slot.left = 0;
  slot.piece = 0;
  slot.range = 0;
  slot.ranges.count = 0;
  ++shared_.active;
  BlockVerdict verdict = judge(request, shared_.device_bytes, shared_.capabilities);
  if (verdict.past_end && shared_.has_grown()) {
    verdict = judge(request, shared_.device_bytes, shared_.capabilities);
  }
  begin(slot, request, verdict);
}

void Queue::begin(Slot& slot, const BlockRequest& request, const BlockVerdict& verdict) {
  if (verdict.status != kStatusOk) {
    shared_.instruments.refused_requests.add();
    return finish(slot, verdict.status);
  }
  if (verdict.answer_id) return answer_id(slot);
  slot.op = verdict.op;
  slot.offset = verdict.offset;
  slot.length = 0;
  slot.buffer = {};
  slot.may_punch = true;
  const bool changes = slot.op != device::Op::kRead && slot.op != device::Op::kFlush;
  const bool stable = changes && shared_.write_through();
  slot.fua = stable && shared_.capabilities.fua;
  slot.flush_after = stable && !shared_.capabilities.fua;
  switch (slot.op) {
    case device::Op::kRead:
    case device::Op::kWrite:
      slot.left = request.data_bytes;
      slot.at = 0;
      slot.inside = 0;
      slot.segments.clear();
      for (const Segment& segment : chain_.segments) {
        // Neighbours become one piece.
        if (!slot.segments.empty() &&
            slot.segments.back().data + slot.segments.back().bytes == segment.data) {
          slot.segments.back().bytes += segment.bytes;
        } else {
          slot.segments.push_back(segment);
        }
      }
      return next_piece(slot);
    case device::Op::kFlush:
      return submit(slot);
    default:
      return begin_ranges(slot, request.data_bytes);
  }
}

void Queue::begin_ranges(Slot& slot, uint64_t data_bytes) {
  bool past_end = false;
  uint8_t status =
      judge_ranges(chain_, data_bytes, slot.op, shared_.device_bytes, slot.ranges, past_end);
  if (past_end && shared_.has_grown()) {
    status = judge_ranges(chain_, data_bytes, slot.op, shared_.device_bytes, slot.ranges, past_end);
  }
  if (shared_.memory.lost()) status = kStatusError;
  if (status == kStatusOk) return next_range(slot);
  shared_.instruments.refused_requests.add();
  slot.ranges.count = 0;
  finish(slot, status);
}

void Queue::answer_id(Slot& slot) noexcept {
  std::array<std::byte, kIdBytes> id{};
  const size_t bytes = std::min(shared_.serial.size(), id.size());
  std::memcpy(id.data(), shared_.serial.data(), bytes);
  size_t done = 0;
  for (const Segment& segment : chain_.segments) {
    const size_t part = std::min<size_t>(segment.bytes, id.size() - done);
    std::memcpy(segment.data, id.data() + done, part);
    done += part;
  }
  finish(slot, kStatusOk);
}

void Queue::finish(Slot& slot, uint8_t status) noexcept {
  --shared_.active;
  *slot.status = static_cast<std::byte>(status);
  const auto written = static_cast<uint32_t>(std::min<uint64_t>(slot.writable_bytes, UINT32_MAX));
  // After an error only the status counts; it is the last byte.
  const bool whole = status == kStatusOk || written == 1;
  finished_.push_back({slot.head, whole ? written : 0});
}

void Queue::publish() {
  if (finished_.empty()) return;
  const uint16_t before = used_;
  for (const UsedElement& element : finished_) {
    const auto head = static_cast<uint16_t>(element.id);
    ring_.put_used(used_++, element);
    if (inflight_.present()) inflight_.finished(head);
    slots_[head].busy = false;
  }
  finished_.clear();
  ring_.publish_used(used_);
  if (inflight_.present()) inflight_.published(used_);
  if (ring_.wants_interrupt((shared_.features & kRingEventIndex) != 0, before, used_)) {
    call_.raise();
  }
}

void Queue::break_ring(std::string_view why) {
  broken_ = true;
  shared_.instruments.broken_rings.add();
  log::error("vhost_user.ring_broken",
             {{"ring", index_}, {"reason", why}, {"advice", "the guest must reset the disk"}});
  error_.raise();
}

}  // namespace strata::vhost_user
