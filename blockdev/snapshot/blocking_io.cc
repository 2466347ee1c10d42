#include "blockdev/snapshot/blocking_io.h"

#include <fmt/format.h>

#include <cstring>

#include "blockdev/chunks/chunk.h"
#include "common/base/check.h"

namespace strata::snapshot {
namespace {

constexpr size_t kAlignment = 4096;
constexpr uint32_t kRingEntries = 16;

struct Pending : device::IoRequest {
  bool done = false;
  int32_t error = 0;
};

}  // namespace

Result<ChunkBuffer> ChunkBuffer::create() {
  ChunkBuffer out;
  out.memory_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, chunks::kChunkBytes)));
  if (out.memory_ == nullptr) return Error(Code::kNoSpace, "no memory for a chunk");
  return out;
}

MutableBytes ChunkBuffer::bytes() noexcept {
  return {memory_.get(), chunks::kChunkBytes};
}

Bytes ChunkBuffer::bytes() const noexcept {
  return {memory_.get(), chunks::kChunkBytes};
}

Result<std::unique_ptr<BlockingIo>> BlockingIo::open(device::BlockDevice& device) {
  std::unique_ptr<BlockingIo> self(new BlockingIo());
  TRY_ASSIGN(self->ring_, ring::Ring::create({.entries = kRingEntries}));
  TRY_ASSIGN(self->queue_, device.open_queue(*self->ring_));
  return self;
}

BlockingIo::~BlockingIo() {
  queue_.reset();
}

Status BlockingIo::run(device::Op op, uint64_t offset, MutableBytes buffer) {
  Pending request;
  request.op = op;
  request.offset = offset;
  request.length = buffer.size();
  request.buffer = buffer;
  request.complete = [](device::IoRequest& self, int32_t error) noexcept {
    auto& pending = static_cast<Pending&>(self);
    pending.error = error;
    pending.done = true;
  };
  queue_->submit(request);
  while (!request.done) {
    const Status turn = ring_->run_once(Deadline::never());
    // The request points into this frame, so nobody may leave before it is done.
    CHECK(turn.ok(), turn.ok() ? "" : turn.error().message);
  }
  if (request.error == 0) return {};
  return errno_error(-request.error, fmt::format("the volume's image at {}", offset));
}

Status BlockingIo::read_chunk(uint64_t chunk, uint64_t size_bytes, MutableBytes into) {
  const uint64_t bytes = chunks::bytes_of_chunk(chunk, size_bytes);
  TRY(run(device::Op::kRead, chunk * chunks::kChunkBytes, into.first(bytes)));
  std::memset(into.data() + bytes, 0, into.size() - bytes);
  return {};
}

Status BlockingIo::write_chunk(uint64_t chunk, uint64_t size_bytes, Bytes from) {
  const uint64_t bytes = chunks::bytes_of_chunk(chunk, size_bytes);
  // A device reads from the buffer of a write, and only reads.
  const MutableBytes buffer(const_cast<std::byte*>(from.data()), bytes);
  return run(device::Op::kWrite, chunk * chunks::kChunkBytes, buffer);
}

Status BlockingIo::flush() {
  return run(device::Op::kFlush, 0, {});
}

}  // namespace strata::snapshot
