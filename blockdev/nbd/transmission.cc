// Connection: requests in.

#include <algorithm>
#include <cstring>

#include "blockdev/nbd/connection.h"

namespace strata::nbd {
namespace {

// The longest payload of a refused request that is read and dropped; a longer one ends the
// connection.
constexpr uint64_t kRefusedPayloadMax = 2 * uint64_t{kPayloadBytesMax};
// Extents of one block status; a client asks again for the rest.
constexpr size_t kExtentsMax = 1024;

}  // namespace

void Connection::parse() noexcept {
  while (state_ == State::kTransmission) {
    if (receiving_ != nullptr) {
      if (!take_payload()) return;
    } else if (drain_bytes_ > 0) {
      const uint64_t dropped = std::min<uint64_t>(drain_bytes_, available());
      drain_bytes_ -= dropped;
      receive_begin_ += dropped;
      if (drain_bytes_ > 0) return;
    } else if (available() < request_bytes_ || !take_request()) {
      return;
    }
  }
}

// True when the payload is complete and the request has been started.
bool Connection::take_payload() noexcept {
  Slot& slot = *receiving_;
  const uint64_t bytes =
      std::min<uint64_t>(slot.buffer.size() - slot.payload_received, available());
  std::memcpy(slot.buffer.data() + slot.payload_received, receive_buffer_.get() + receive_begin_,
              bytes);
  slot.payload_received += bytes;
  receive_begin_ += bytes;
  if (slot.payload_received < slot.buffer.size()) return false;
  receiving_ = nullptr;
  if (slot.op == device::Op::kBlockStatus) {
    start_status(slot);
  } else {
    submit(slot);
  }
  return true;
}

std::optional<RequestHeader> Connection::decode() const noexcept {
  const std::byte* const at = receive_buffer_.get() + receive_begin_;
  if (session_.extended) {
    return decode_extended_request(
        std::span<const std::byte, kExtendedRequestBytes>(at, kExtendedRequestBytes));
  }
  return decode_request(std::span<const std::byte, kRequestBytes>(at, kRequestBytes));
}

// The size is asked for only by who has just been refused for it.
bool Connection::has_grown() noexcept {
  const uint64_t now = lease_->device().geometry().size_bytes;
  return now > std::exchange(device_bytes_, std::max(now, device_bytes_));
}

// Takes the header at the front of the receive buffer. False: it waits for a slot or a buffer, or
// the connection goes no further.
bool Connection::take_request() noexcept {
  const std::optional<RequestHeader> header = decode();
  if (!header) {
    close("bad request magic");
    return false;
  }
  Verdict verdict = judge(*header, device_bytes_, capabilities_, session_);
  if (verdict.past_end && has_grown()) {
    verdict = judge(*header, device_bytes_, capabilities_, session_);
  }
  if (verdict.disconnect) {
    drain(Deadline::after(kDrainTime).when());
    return false;
  }
  if (free_ == nullptr) return false;
  if (verdict.error != 0) return refuse(*header, verdict);
  uint64_t bytes = 0;
  if (verdict.op == device::Op::kRead || verdict.op == device::Op::kWrite) bytes = header->length;
  if (verdict.op == device::Op::kBlockStatus) bytes = kExtentsMax * sizeof(device::Extent);
  if (!may_take(bytes)) return false;
  receive_begin_ += request_bytes_;
  Slot& slot = *take_slot();
  slot.cookie = header->cookie;
  slot.offset = header->offset;
  slot.op = verdict.op;
  if (bytes > 0 && !give_memory(slot, bytes)) {
    drain_bytes_ = verdict.payload_bytes;
    answer_error(slot, kErrorNoMemory, "the server has no memory for this request now");
    return true;
  }
  start(slot, *header, verdict);
  return true;
}

bool Connection::refuse(const RequestHeader& header, const Verdict& verdict) noexcept {
  context_.instruments.refused_requests.add();
  if (verdict.payload_bytes > kRefusedPayloadMax) {
    close("a payload longer than any limit");
    return false;
  }
  receive_begin_ += request_bytes_;
  drain_bytes_ = verdict.payload_bytes;
  Slot& slot = *take_slot();
  slot.cookie = header.cookie;
  slot.offset = header.offset;
  slot.op = verdict.op;
  answer_error(slot, verdict.error, verdict.problem);
  return true;
}

void Connection::start(Slot& slot, const RequestHeader& header, const Verdict& verdict) noexcept {
  slot.length = header.length;
  slot.flags = header.flags;
  slot.fua = (header.flags & kFlagFua) != 0;
  slot.may_punch = (header.flags & kFlagNoHole) == 0;
  slot.fast_only = (header.flags & kFlagFastZero) != 0;
  const bool has_buffer = slot.memory != nullptr && slot.op != device::Op::kBlockStatus;
  slot.buffer = has_buffer ? MutableBytes(slot.memory, header.length) : MutableBytes();
  slot.payload_received = 0;
  if (verdict.status_payload) slot.buffer = MutableBytes(slot.memory, verdict.payload_bytes);
  if (verdict.payload_bytes > 0) {
    receiving_ = &slot;
  } else if (slot.op == device::Op::kBlockStatus) {
    start_status(slot);
  } else {
    submit(slot);
  }
}

void Connection::start_status(Slot& slot) noexcept {
  if ((slot.flags & kFlagPayload) != 0) {
    RequestHeader header{.offset = slot.offset, .length = slot.length};
    Verdict verdict = judge_status_payload(header, slot.buffer, device_bytes_);
    if (verdict.past_end && has_grown()) {
      verdict = judge_status_payload(header, slot.buffer, device_bytes_);
    }
    if (verdict.error != 0) {
      context_.instruments.refused_requests.add();
      return answer_error(slot, verdict.error, verdict.problem);
    }
    slot.length = header.length;
  }
  slot.extents = {reinterpret_cast<device::Extent*>(slot.memory),
                  (slot.flags & kFlagOne) != 0 ? 1 : kExtentsMax};
  slot.extent_count = 0;
  if (capabilities_.block_status) return submit(slot);
  // A device that does not know has data everywhere.
  slot.extents[0] = {slot.length, false, false};
  slot.extent_count = 1;
  slot.started = context_.now;
  ++in_device_;
  completed(slot, 0);
}

void Connection::submit(Slot& slot) noexcept {
  slot.started = context_.now;
  slot.error_offset = slot.offset;
  ++in_device_;
  queue_->submit(slot);
}

void Connection::completed(Slot& slot, int32_t error) noexcept {
  --in_device_;
  Instruments& instruments = context_.instruments;
  const Instruments::OfOp& op = instruments.of(slot.op);
  op.requests->add();
  op.seconds->observe(std::chrono::steady_clock::now() - slot.started);
  context_.pumps.add(*this);
  if (error != 0) {
    op.errors->add();
    return answer_device_error(slot, error);
  }
  switch (slot.op) {
    case device::Op::kRead:
      instruments.read_bytes.add(slot.buffer.size());
      return answer_read(slot);
    case device::Op::kBlockStatus:
      return answer_status(slot);
    case device::Op::kWrite:
      instruments.written_bytes.add(slot.buffer.size());
      [[fallthrough]];
    default:
      return answer_done(slot);
  }
}

// Whether a request with `bytes` of buffer fits into what the connection and its thread may hold.
bool Connection::may_take(uint64_t bytes) noexcept {
  if (bytes == 0) return true;
  const uint64_t memory = BufferPool::occupied(bytes);
  const ServerOptions& options = context_.options;
  if (buffer_bytes_ + memory > options.buffer_bytes_max) return false;
  const bool export_may = options.export_bytes_max == 0 ||
                          *export_bytes_ + memory <= thread_part(options.export_bytes_max, options);
  if (export_may && context_.buffers.may_take(memory)) return true;
  context_.starved = true;
  return false;
}

bool Connection::give_memory(Slot& slot, uint64_t bytes) noexcept {
  slot.memory = context_.buffers.take(bytes);
  if (slot.memory == nullptr) return false;
  slot.memory_bytes = BufferPool::occupied(bytes);
  buffer_bytes_ += slot.memory_bytes;
  *export_bytes_ += slot.memory_bytes;
  return true;
}

Connection::Slot* Connection::take_slot() noexcept {
  Slot* const slot = free_;
  free_ = std::exchange(slot->next, nullptr);
  return slot;
}

void Connection::free_slot(Slot& slot) noexcept {
  if (slot.memory != nullptr) {
    buffer_bytes_ -= slot.memory_bytes;
    *export_bytes_ -= slot.memory_bytes;
    context_.buffers.give_back(std::exchange(slot.memory, nullptr), slot.memory_bytes);
  }
  if (slot.chunks != nullptr) {
    context_.buffers.give_back(std::exchange(slot.chunks, nullptr), kChunkMemoryBytes);
  }
  slot.next = std::exchange(free_, &slot);
}

}  // namespace strata::nbd
