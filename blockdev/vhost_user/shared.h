// What the queues of one session share, and what they have of the server.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "blockdev/device/block_device.h"
#include "blockdev/vhost_user/guest_memory.h"
#include "blockdev/vhost_user/inflight.h"
#include "blockdev/vhost_user/instruments.h"
#include "common/base/deadline.h"
#include "common/base/unique_fd.h"
#include "common/ring/ring.h"

namespace strata::vhost_user {

struct Slot;

// Buffers for requests whose pages lie scattered: the disk gets them in one piece. Made when first
// needed; who finds none waits.
class BouncePool {
 public:
  static constexpr uint64_t kBufferBytes = kMiB;
  static constexpr size_t kBuffersMax = 32;

  // nullptr: none is free now, or the system has no memory.
  [[nodiscard]] std::byte* take() noexcept;
  void give_back(std::byte* buffer) noexcept { free_.push_back(buffer); }
  // The system gave none at all.
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  void wait(Slot& slot) noexcept;
  [[nodiscard]] Slot* next_waiting() noexcept;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  std::vector<std::unique_ptr<std::byte, Free>> all_;
  std::vector<std::byte*> free_;
  Slot* first_ = nullptr;
  Slot* last_ = nullptr;
};

// Waits until the descriptor is readable. It outlives its owner until the kernel lets go of it.
struct Watch : ring::Operation {
  UniqueFd fd;
  bool armed = false;
  bool fired = false;
};

// An eventfd of the front end's that tells it something. Raising it never waits.
class Signal {
 public:
  void set(UniqueFd fd) noexcept;
  void raise() const noexcept;

 private:
  UniqueFd fd_;
  bool may_block_ = false;  // the front end waits in its reads, so that a full one would hold us
};

struct Shared {
  Shared(ring::Ring& the_ring, Instruments& counters, const SteadyTime& time) noexcept
      : ring(the_ring), instruments(counters), now(time) {}

  ring::Ring& ring;
  Instruments& instruments;
  const SteadyTime& now;  // taken once a turn
  GuestMemory memory;
  device::BlockDevice* device = nullptr;
  std::unique_ptr<device::BlockQueue> block;
  device::Capabilities capabilities;
  uint64_t device_bytes = 0;
  std::string serial;
  uint64_t features = 0;  // that the front end took
  // The driver's choice, if it has one. Unknown: a front end that connected again, and nobody noted
  // what its driver was told.
  CacheChoice cache = CacheChoice::kUnknown;
  BouncePool bounces;
  std::vector<std::unique_ptr<Watch>> retired;
  uint32_t active = 0;       // requests taken and not answered
  uint32_t in_device = 0;    // of them, at the disk
  bool pump_wanted = false;  // a queue has something to do that was pumped already

  // A driver that cannot flush, or chose so, or may have chosen so, has every write on stable media
  // when it is answered.
  [[nodiscard]] bool write_through() const noexcept {
    if ((features & kBlkFlush) == 0) return true;
    return (features & kBlkConfigWce) != 0 && cache != CacheChoice::kWriteBack;
  }
  // Whether the disk is larger than it was.
  [[nodiscard]] bool has_grown() noexcept;
  [[nodiscard]] std::unique_ptr<Watch> watch(UniqueFd fd);
  void arm(Watch& watch) noexcept;
  void retire(std::unique_ptr<Watch> watch);
  // Forgets the retired watches that the kernel has let go of.
  void sweep() noexcept;
};

}  // namespace strata::vhost_user
