// BlockDevice: a disk as the wires see it. Requests live in slots that the wire owns; the data path
// allocates nothing, takes no lock and stays on its ring's thread.
//
// A BlockDevice is shared; each queue thread opens its own BlockQueue on its own ring.
// Thread rule: BlockDevice methods from any thread; a BlockQueue on its ring's thread only.
//
// Guarantees
//   1. A write is visible to every queue when it completes.
//   2. When a flush completes, every write that completed before it was submitted, on any queue, is
//      on stable media. A write with fua is on stable media when it completes.
//   3. Ranges never written, or discarded, read as zeroes.
//   4. A device may grow while it is in use and never shrinks then: what a geometry said once stays
//      reachable. A wire that is asked for more than it knows of asks geometry() again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/ring/ring.h"

namespace strata::device {

struct Geometry {
  uint64_t size_bytes = 0;
  uint32_t block_bytes_min = 1;           // requests of any alignment are served
  uint32_t block_bytes_preferred = 4096;  // aligned requests are the fast ones
  uint32_t request_bytes_max = 32 * 1024 * 1024;
};

struct Capabilities {
  bool read_only = false;
  bool flush = true;
  bool fua = true;
  bool trim = true;
  bool write_zeroes = true;
  bool fast_zero = false;
  bool multi_queue = true;    // guarantee 1 and 2 hold across queues: NBD's CAN_MULTI_CONN
  bool cache = false;         // Op::kCache is served
  bool block_status = false;  // Op::kBlockStatus is served; else everything counts as data
  // Reads and writes of a RegisteredBuffer are served if their offset and length are multiples of
  // this; 0: none are.
  uint32_t registered_alignment = 0;
};

// kCache brings a range nearer: into memory or the disk's own cache, from a snapshot to the volume.
// kBlockStatus tells what of a range is allocated. What the capabilities do not offer is answered
// with -EOPNOTSUPP.
enum class Op : uint8_t { kRead, kWrite, kFlush, kTrim, kWriteZeroes, kCache, kBlockStatus };
inline constexpr size_t kOps = 7;

// A stretch of a device whose blocks are alike.
struct Extent {
  uint64_t length = 0;  // bytes, at least 1
  bool hole = false;    // takes no room
  bool zero = false;    // reads as zeroes
};

// Data that is not in this process' memory: a buffer that a driver of the kernel's has put into the
// ring's table. Operations of that ring reach its bytes, and nobody else.
struct RegisteredBuffer {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t index = kNone;
  uint64_t start = 0;  // what its first byte is called: 0, or the address of memory of one's own
  [[nodiscard]] bool exists() const noexcept { return index != kNone; }
};

struct IoRequest;

// The ring's operation of a request, so that a completion finds its request again.
struct RequestOperation : ring::Operation {
  IoRequest* request = nullptr;
};

// What the device that handles a request keeps in it; the wire does not touch it.
struct DeviceState {
  RequestOperation operation;
  void* queue = nullptr;
  void* lane = nullptr;
  IoRequest* next = nullptr;  // in the guard's list of held or waiting ranges
  IoRequest* previous = nullptr;
  IoRequest* next_queued = nullptr;  // in a list of the queue's
  std::byte* bounce = nullptr;
  uint64_t first = 0;  // the range held against other writers: [first, last)
  uint64_t last = 0;
  uint64_t progress = 0;  // bytes done from the request's start
  uint64_t piece = 0;     // bytes of the step under way
  uint32_t attempts = 0;  // steps in a row that moved nothing
  int32_t error = 0;      // what another thread found
  uint8_t step = 0;
  uint8_t guard = 0;
  bool exclusive = false;
  bool write_out_zeroes = false;
};

struct IoRequest {
  Op op = Op::kRead;
  bool fua = false;
  bool may_punch = true;   // write zeroes: the range may be deallocated
  bool fast_only = false;  // write zeroes: fail with -EOPNOTSUPP rather than write bytes
  uint64_t offset = 0;
  uint64_t length = 0;  // bytes; a read's or write's is its buffer's, if it has one
  MutableBytes buffer;  // read into, or written from
  // In its place, for a read or write of a device that takes such. What does not fit the disk after
  // all, because of how it lies in the pages, ends with -EINVAL: then it takes a buffer.
  RegisteredBuffer registered;
  // Block status: filled by the device from the first on, beginning at `offset`, neighbours
  // different. At least one; together at most `length`, and less when there is no more room.
  std::span<Extent> extents;
  size_t extent_count = 0;
  // After an error of a read or write: where it was, if the device knows better than `offset`.
  uint64_t error_offset = 0;
  // Called once on the queue's thread, possibly inside submit: 0 or -errno.
  void (*complete)(IoRequest& self, int32_t error) noexcept = nullptr;
  DeviceState state;
};

// Bytes that a request is about.
[[nodiscard]] inline uint64_t length_of(const IoRequest& request) noexcept {
  const bool moves = request.op == Op::kRead || request.op == Op::kWrite;
  return moves && !request.registered.exists() ? request.buffer.size() : request.length;
}

class BlockQueue {
 public:
  virtual ~BlockQueue() = default;
  // The range lies inside the device, and is not empty but for a flush: the wire has checked. The
  // request and its buffer live until its completion. The caller drains all requests before it
  // destroys the queue.
  virtual void submit(IoRequest& request) noexcept = 0;
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  // Everything but the size stays as it is.
  [[nodiscard]] virtual Geometry geometry() const noexcept = 0;
  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<BlockQueue>> open_queue(ring::Ring& ring) = 0;
};

}  // namespace strata::device
