#include "blockdev/layers/fault_layer.h"

#include <cerrno>

#include "blockdev/layers/latency.h"
#include "common/base/bytes.h"

namespace strata::layers {
namespace {

using device::IoRequest;
using device::Op;

constexpr uint64_t kSectorBytes = 512;
// Of a registered buffer a disk takes whole blocks only.
constexpr uint64_t kBlockSectors = 8;
constexpr uint64_t kMillion = 1'000'000;

bool is_target(FaultTarget target, Op op) noexcept {
  switch (target) {
    case FaultTarget::kRead:
      return op == Op::kRead;
    case FaultTarget::kWrite:
      return op == Op::kWrite || op == Op::kWriteZeroes;
    case FaultTarget::kFlush:
      return op == Op::kFlush;
    case FaultTarget::kTrim:
      return op == Op::kTrim;
    case FaultTarget::kAny:
      return op == Op::kRead || op == Op::kFlush || changes(op);
  }
  return false;
}

}  // namespace

class FaultQueue final : public LayerQueue {
 public:
  FaultQueue(device::BlockQueue& next, FaultLayer& layer) noexcept
      : LayerQueue(next), layer_(layer) {}

  void submit(IoRequest& request) noexcept override {
    uint64_t number = 0;
    if (!layer_.decide(request, number)) return next_.submit(request);
    switch (layer_.settings_.effect) {
      case FaultEffect::kError:
        return request.complete(request, -EIO);
      case FaultEffect::kNoSpace:
        return request.complete(request, -ENOSPC);
      case FaultEffect::kLost:
        return request.complete(request, 0);
      case FaultEffect::kTorn:
        return tear(request, number);
    }
  }

 private:
  void tear(IoRequest& request, uint64_t number) noexcept {
    const bool registered = request.registered.exists();
    const uint64_t sectors = length_of(request) / kSectorBytes;
    uint64_t arrive = sectors == 0 ? 0 : number % sectors;
    if (registered) arrive = round_down(arrive, kBlockSectors);
    Shadow* const torn = request.op == Op::kWrite && arrive > 0 ? shadow(request) : nullptr;
    if (torn == nullptr) return request.complete(request, -EIO);
    torn->length = arrive * kSectorBytes;
    if (!registered) torn->buffer = torn->buffer.first(torn->length);
    pass(*torn);
  }
  void completed(Shadow& shadow, int32_t) noexcept override { answer(shadow, -EIO); }

  FaultLayer& layer_;
};

bool FaultLayer::decide(const IoRequest& request, uint64_t& number) noexcept {
  if (!is_target(settings_.on, request.op)) return false;
  const bool in_range =
      request.offset < settings_.to && request.offset + length_of(request) > settings_.from;
  if (request.op != Op::kFlush && !in_range) return false;
  const uint64_t n = matching_.fetch_add(1, std::memory_order_relaxed);
  if (n < settings_.after) return false;
  number = mix_bits(settings_.seed ^ mix_bits(n));
  if (number % kMillion >= settings_.per_million) return false;
  number /= kMillion;
  uint64_t hits = hits_.load(std::memory_order_relaxed);
  do {
    if (settings_.times != 0 && hits >= settings_.times) return false;
  } while (!hits_.compare_exchange_weak(hits, hits + 1, std::memory_order_relaxed));
  return true;
}

std::unique_ptr<LayerQueue> FaultLayer::open(device::BlockQueue& next, ring::Ring& /*ring*/) {
  return std::make_unique<FaultQueue>(next, *this);
}

}  // namespace strata::layers
