#include "blockdev/snapshot/blocking_io.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "blockdev/chunks/chunk.h"
#include "common/base/check.h"

namespace strata::snapshot {
namespace {

constexpr size_t kAlignment = 4096;
constexpr uint32_t kRingEntries = 64;

struct Pending : device::IoRequest {
  bool done = false;
  int32_t error = 0;

  void prepare(device::Op what, uint64_t at, MutableBytes bytes) noexcept {
    op = what;
    offset = at;
    length = bytes.size();
    buffer = bytes;
    complete = [](device::IoRequest& self, int32_t result) noexcept {
      auto& pending = static_cast<Pending&>(self);
      pending.error = result;
      pending.done = true;
    };
  }
  [[nodiscard]] Status status() const {
    if (error == 0) return {};
    return errno_error(-error, fmt::format("the volume's image at {}", offset));
  }
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
  request.prepare(op, offset, buffer);
  queue_->submit(request);
  while (!request.done) turn();
  return request.status();
}

// Requests point into the caller's frame, which must not be left before they are done.
void BlockingIo::turn() {
  const Status turned = ring_->run_once(Deadline::never());
  CHECK(turned.ok(), turned.ok() ? "" : turned.error().message);
}

Status BlockingIo::read(std::span<const Piece> pieces) {
  std::vector<Pending> requests(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    requests[i].prepare(device::Op::kRead, pieces[i].offset, pieces[i].into);
    queue_->submit(requests[i]);
  }
  Status first;
  for (const Pending& request : requests) {
    while (!request.done) turn();
    if (first.ok()) first = request.status();
  }
  return first;
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
