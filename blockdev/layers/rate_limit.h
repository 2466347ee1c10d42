// RateLimit: what a volume may do per second, as cloud disks count it.
//
// Operations and bytes each have two buckets: one that holds the rate, and one for bursts, which a
// request must both pass. So `iops = {3000, 60}, iops_credit = {100, 5400000}` is a disk that does
// 3,000 I/O a second until its 5.4 million credits are used, and 100 from then on.
//
// Reads and writes count, in units: one of up to `unit_bytes` is one operation, a longer one as
// many as it has units begun. Write zeroes counts as one and moves no bytes. Flush, trim and the
// rest are free.
//
// Thread rule: from any thread; no lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "blockdev/device/block_device.h"
#include "blockdev/layers/token_bucket.h"

namespace strata::layers {

// EBS counts I/O in units of up to 256 KiB on its SSD volumes, of 1 MiB on the others.
inline constexpr uint32_t kUnitBytes = 256 * 1024;
inline constexpr uint64_t kIopsMax = 10'000'000;
inline constexpr uint64_t kBytesPerSecondMax = 1'000'000'000'000;
// A bucket that only holds a rate has room for this much time: enough that late timers cost
// nothing, little enough that no second exceeds its rate by 2%.
inline constexpr Duration kSlack = std::chrono::milliseconds(15);

struct Rate {
  uint64_t per_second = 0;  // 0: no limit
  uint64_t tokens = 0;      // what may be used at once after idling; 0: as much as kSlack is
  bool operator==(const Rate&) const = default;
};

struct RateSettings {
  Rate iops = {};
  Rate iops_credit = {};
  Rate bytes = {};
  Rate bytes_credit = {};
  uint32_t unit_bytes = kUnitBytes;
  // Bytes of a request that does not go on where the one before ended are rounded up to units: a
  // spinning disk moves its head.
  bool random_costs_units = false;
  bool operator==(const RateSettings&) const = default;
};

class RateLimit {
 public:
  // Takes effect at once, for requests that wait too.
  void set(const RateSettings& settings, SteadyTime now) noexcept;
  [[nodiscard]] bool active() const noexcept { return active_.load(std::memory_order_relaxed); }
  // Lets the request through and gives SteadyTime::min(), or gives when to ask again.
  [[nodiscard]] SteadyTime admit(const device::IoRequest& request, SteadyTime now) noexcept;

  // Burst credits left; 0 without any.
  [[nodiscard]] uint64_t iops_credit(SteadyTime now) const noexcept;
  [[nodiscard]] uint64_t bytes_credit(SteadyTime now) const noexcept;

 private:
  TokenBucket iops_;
  TokenBucket iops_credit_;
  TokenBucket bytes_;
  TokenBucket bytes_credit_;
  std::atomic<uint32_t> unit_bytes_{kUnitBytes};
  std::atomic<bool> random_costs_units_{false};
  std::atomic<bool> active_{false};
  std::atomic<uint64_t> last_end_{~uint64_t{0}};
};

}  // namespace strata::layers
