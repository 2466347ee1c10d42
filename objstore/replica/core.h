// Core: what the parts of a ReplicaSet share. Owned by the ReplicaSet, which outlives every part.
//
// Thread rule: const after construction, apart from members that have a rule of their own.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "common/async/blocking_pool.h"
#include "common/async/loop_thread.h"
#include "common/base/buffer_pool.h"
#include "common/base/random.h"
#include "objstore/replica/background.h"
#include "objstore/replica/drive_watch.h"
#include "objstore/replica/live_writers.h"
#include "objstore/replica/membership.h"
#include "objstore/replica/order.h"
#include "objstore/replica/pins.h"
#include "objstore/replica/placement.h"

namespace strata::replica {

// Repairs under way at once; a copy met beyond that is repaired when it is met again.
inline constexpr size_t kHealsMax = 64;

inline constexpr size_t kBuffersKept = 16;

struct Core {
  struct Ground {
    async::BlockingPool& pool;
    RandomSource& random;
    std::unique_ptr<async::LoopThread> drive_thread;
    Duration drive_answer_max;
  };
  Core(Members opened, Placement where, uint64_t start, Ground ground);
  // Ends the committers first: what they still run refers to everything else here.
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // The loop on which blob files are written; it is always running.
  [[nodiscard]] async::EventLoop& drive_loop() const { return drive_thread->loop(); }
  [[nodiscard]] drive::Drive& drive(size_t member) const { return *members.all[member].drive; }
  // The placement's drives that are in service, the preferred one first.
  [[nodiscard]] std::vector<size_t> in_service(uint64_t hash) const;
  [[nodiscard]] bool all_in_service() const;
  [[nodiscard]] drive::RecordSeed seed() const { return record_seed; }
  // A stamp, then random bits: ids grow, so that the index takes small blobs one behind the other,
  // without a search, and has nothing to merge.
  [[nodiscard]] drive::Id128 new_blob_id();
  // "only 1 of 3 drives is in service, 2 are needed: ..."
  [[nodiscard]] Error too_few_drives(uint64_t hash) const;

  Members members;
  const Placement placement;
  const drive::RecordSeed record_seed;
  async::BlockingPool& pool;
  // Of drive::kRunBytesMax each: runs of blocks on their way to or from files.
  BufferPool buffers{drive::kRunBytesMax, kBuffersKept};
  const std::unique_ptr<async::LoopThread> drive_thread;
  const Duration drive_answer_max;
  Order order;
  std::atomic<uint64_t> corrupt_found{0};
  std::atomic<uint64_t> corrupt_healed{0};

  std::mutex random_mutex;
  RandomSource& random;  // guarded by random_mutex

  std::mutex heal_mutex;
  std::set<std::string> healing;  // guarded by heal_mutex: drive and name of what is being repaired

  LiveWriters live_writers;
  Background background;
  PinBoard pins;

 private:
  // Frees what no reader holds any more. Any thread; does not block.
  void free_dropped(std::vector<DroppedBlobs> free);
  // Ends what waits for drives that do not answer, and takes them out of service.
  void look_at_drives();
  std::optional<DriveWatch> watch_;
};

}  // namespace strata::replica
