// Connection: requests in.

#include <algorithm>
#include <cstring>

#include "blockdev/nbd/connection.h"

namespace strata::nbd {
namespace {

// The longest payload of a refused write that is read and dropped; a longer one ends the
// connection.
constexpr uint64_t kRefusedPayloadMax = 2 * uint64_t{kPayloadBytesMax};

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
    } else if (available() < kRequestBytes || !take_request()) {
      return;
    }
  }
}

// True when the payload is complete and the write has been started.
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
  submit(slot);
  return true;
}

// Takes the header at the front of the receive buffer. False: it waits for a slot or a buffer, or
// the connection goes no further.
bool Connection::take_request() noexcept {
  const std::byte* const at = receive_buffer_.get() + receive_begin_;
  const auto header = decode_request(std::span<const std::byte, kRequestBytes>(at, kRequestBytes));
  if (!header) {
    close("bad request magic");
    return false;
  }
  const Verdict verdict = judge(*header, device_bytes_, capabilities_);
  if (verdict.disconnect) {
    drain(Deadline::after(kDrainTime).when());
    return false;
  }
  if (free_ == nullptr) return false;
  if (verdict.error != 0) return refuse(*header, verdict);
  const bool has_buffer = verdict.op == device::Op::kRead || verdict.op == device::Op::kWrite;
  const uint64_t memory = has_buffer ? BufferPool::occupied(header->length) : 0;
  if (buffer_bytes_ + memory > context_.options.buffer_bytes_max) return false;
  receive_begin_ += kRequestBytes;
  Slot& slot = *take_slot();
  slot.cookie = header->cookie;
  if (has_buffer) {
    slot.memory = context_.buffers.take(header->length);
    if (slot.memory == nullptr) {
      drain_bytes_ = verdict.payload_bytes;
      answer(slot, kErrorNoMemory);
      return true;
    }
    slot.memory_bytes = memory;
    buffer_bytes_ += memory;
  }
  start(slot, *header, verdict);
  return true;
}

bool Connection::refuse(const RequestHeader& header, const Verdict& verdict) noexcept {
  context_.instruments.refused_requests.add();
  if (verdict.payload_bytes > kRefusedPayloadMax) {
    close("a write longer than any limit");
    return false;
  }
  receive_begin_ += kRequestBytes;
  drain_bytes_ = verdict.payload_bytes;
  Slot& slot = *take_slot();
  slot.cookie = header.cookie;
  answer(slot, verdict.error);
  return true;
}

void Connection::start(Slot& slot, const RequestHeader& header, const Verdict& verdict) noexcept {
  slot.op = verdict.op;
  slot.offset = header.offset;
  slot.length = header.length;
  slot.fua = (header.flags & kFlagFua) != 0;
  slot.may_punch = (header.flags & kFlagNoHole) == 0;
  slot.fast_only = (header.flags & kFlagFastZero) != 0;
  slot.buffer = slot.memory != nullptr ? MutableBytes(slot.memory, header.length) : MutableBytes();
  slot.payload_received = 0;
  if (verdict.payload_bytes > 0) {
    receiving_ = &slot;
  } else {
    submit(slot);
  }
}

void Connection::submit(Slot& slot) noexcept {
  slot.started = std::chrono::steady_clock::now();
  ++in_device_;
  queue_->submit(slot);
}

void Connection::completed(Slot& slot, int32_t error) noexcept {
  --in_device_;
  Instruments& instruments = context_.instruments;
  const Instruments::OfOp& op = instruments.of(slot.op);
  op.requests->add();
  op.seconds->observe(std::chrono::steady_clock::now() - slot.started);
  if (error != 0) {
    op.errors->add();
  } else if (slot.op == device::Op::kRead) {
    slot.reply_payload = static_cast<uint32_t>(slot.buffer.size());
    instruments.read_bytes.add(slot.buffer.size());
  } else if (slot.op == device::Op::kWrite) {
    instruments.written_bytes.add(slot.buffer.size());
  }
  answer(slot, wire_error(error));
  context_.pumps.add(*this);
}

void Connection::answer(Slot& slot, uint32_t error) noexcept {
  encode_simple_reply(slot.reply, error, slot.cookie);
  push_reply(slot);
}

Connection::Slot* Connection::take_slot() noexcept {
  Slot* const slot = free_;
  slot->reply_payload = 0;
  free_ = std::exchange(slot->next, nullptr);
  return slot;
}

void Connection::free_slot(Slot& slot) noexcept {
  if (slot.memory != nullptr) {
    buffer_bytes_ -= slot.memory_bytes;
    context_.buffers.give_back(std::exchange(slot.memory, nullptr), slot.memory_bytes);
  }
  slot.next = std::exchange(free_, &slot);
}

}  // namespace strata::nbd
