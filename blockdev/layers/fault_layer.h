// FaultLayer: a disk on which things go wrong by plan, repeatable from its seed.
//
//   error     the request fails with EIO and does not reach the disk
//   no-space  the same with ENOSPC
//   torn      a write: only its beginning arrives, in sectors of 512 bytes, and it fails with EIO
//   lost      a write, trim or flush: answered with success, and does not reach the disk
//
// Whether the n-th request that the plan is about is hit follows from the seed and n alone.
#pragma once

#include <atomic>
#include <cstdint>

#include "blockdev/layers/layer.h"

namespace strata::layers {

enum class FaultEffect : uint8_t { kError, kNoSpace, kTorn, kLost };
enum class FaultTarget : uint8_t { kRead, kWrite, kFlush, kTrim, kAny };

struct FaultSettings {
  FaultTarget on = FaultTarget::kAny;  // write: write zeroes too
  FaultEffect effect = FaultEffect::kError;
  uint32_t per_million = 1'000'000;  // probability
  uint64_t seed = 1;
  uint64_t after = 0;  // so many matching requests are spared first
  uint64_t times = 0;  // at most so many are hit; 0: no bound
  uint64_t from = 0;   // requests that touch [from, to) only; flushes always match
  uint64_t to = ~uint64_t{0};
  bool operator==(const FaultSettings&) const = default;
};

class FaultLayer final : public Layer {
 public:
  explicit FaultLayer(const FaultSettings& settings) noexcept : settings_(settings) {}
  [[nodiscard]] std::unique_ptr<LayerQueue> open(device::BlockQueue& next,
                                                 ring::Ring& ring) override;
  // Requests that were hit.
  [[nodiscard]] uint64_t hits() const noexcept { return hits_.load(std::memory_order_relaxed); }

 private:
  friend class FaultQueue;
  // Counts the request; whether it is hit, and if so a number that follows from the seed.
  [[nodiscard]] bool decide(const device::IoRequest& request, uint64_t& number) noexcept;

  const FaultSettings settings_;
  std::atomic<uint64_t> matching_{0};
  std::atomic<uint64_t> hits_{0};
};

}  // namespace strata::layers
