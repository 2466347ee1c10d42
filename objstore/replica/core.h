// Core: what the parts of a ReplicaSet share. Owned by the ReplicaSet, which outlives every part.
//
// Thread rule: const after construction, apart from members that have a rule of their own.
#pragma once

#include <array>
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
#include "objstore/replica/recovery.h"
#include "objstore/replica/store.h"
#include "objstore/replica/suspects.h"
#include "objstore/replica/view.h"

namespace strata::replica {

// Repairs under way at once; a copy met beyond that is repaired when it is met again.
inline constexpr size_t kHealsMax = 64;
// Drives opened in the life of a store, each return and replacement counted.
inline constexpr size_t kSeatsMax = kSuspectSeatsMax;

// One opening of one drive's folder, or a member that has none. It never changes once a view names
// it, and stays as long as the store: who has its number may use it, and is told kIo or kClosed
// once the drive is gone.
struct Seat {
  std::string path;
  std::string state;                    // why there is no drive
  std::unique_ptr<drive::Drive> drive;  // or null
  bool absent = false;                  // there was no folder of it at the start
  [[nodiscard]] bool in_service() const noexcept { return drive && drive->in_service(); }
  // It has not failed: only its folder is not there, or was not.
  [[nodiscard]] bool is_missing() const noexcept { return drive ? drive->is_missing() : absent; }
};

inline constexpr size_t kBuffersKept = 16;

struct Core {
  struct Ground {
    async::BlockingPool& pool;
    RandomSource& random;
    std::unique_ptr<async::LoopThread> drive_thread;
    Duration drive_answer_max;
    std::function<void(const std::string&)> drive_left;  // or null
    const io::Clock* clock;                              // or null: the system's
    Duration read_wait_max;
    drive::Durability durability;
  };
  Core(Members opened, const Recovered& recovered, Ground ground);
  // Ends the committers first: what they still run refers to everything else here.
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // The loop on which blob files are written; it is always running.
  [[nodiscard]] async::EventLoop& drive_loop() const { return drive_thread->loop(); }

  // Seats: from any thread. A number from in_service() or a view's place that was in service once
  // has a drive.
  [[nodiscard]] const Seat& seat(size_t number) const { return *seats_[number]; }
  [[nodiscard]] drive::Drive& drive(size_t number) const { return *seats_[number]->drive; }
  // The number that the next seat will get, and the seat itself: by one thread at a time.
  [[nodiscard]] size_t next_seat() const { return seat_count_.load(); }
  [[nodiscard]] bool has_free_seat() const { return next_seat() < kSeatsMax; }
  void add_seat(Seat seat);
  [[nodiscard]] size_t seats() const { return seat_count_.load(); }

  // The view of now; views stay as long as the store.
  [[nodiscard]] const View& view() const { return *view_.load(std::memory_order_acquire); }
  // The next view; with the order's lock held (Order::locked, or in the first step of begin).
  void set_view(std::unique_ptr<const View> view);

  // The placement's drives from which may be read, the preferred one first, suspects last.
  [[nodiscard]] std::vector<size_t> in_service(uint64_t hash) const;
  // All drives from which may be read, in ascending order.
  [[nodiscard]] std::vector<size_t> serving() const;
  // Whether drives hold, or lack, other things than the members of now say.
  [[nodiscard]] bool is_moving() const { return view().next.has_value() || view().strays; }
  // The placement's drives to which changes go: those, and the ones that are being filled.
  [[nodiscard]] std::vector<size_t> writers(uint64_t hash) const;
  [[nodiscard]] size_t quorum() const { return view().current.placement.quorum(); }
  [[nodiscard]] bool all_in_service(const View& view) const;
  [[nodiscard]] drive::RecordSeed seed() const { return record_seed; }
  // Random bits.
  [[nodiscard]] drive::Id128 new_id();
  // A stamp, then random bits: ids grow, so that the index takes small blobs one behind the other,
  // without a search, and has nothing to merge.
  [[nodiscard]] drive::Id128 new_blob_id();
  // Asks the drives that are suspect whether they answer by now, in the background.
  void probe_suspects();
  // "too few drives are in service for this: ...", with kReasonTooFewDrives.
  [[nodiscard]] Error too_few_drives(uint64_t hash) const;
  // The same for what all drives are asked for; `what` begins the message.
  [[nodiscard]] Error too_few_drives_for_all(std::string_view what) const;

  const drive::Id128 cluster;
  const size_t replicas;
  const drive::Durability durability;
  const drive::RecordSeed record_seed;
  const std::vector<LeftOut> left_out;
  async::BlockingPool& pool;
  // Of drive::kRunBytesMax each: runs of blocks on their way to or from files.
  BufferPool buffers{drive::kRunBytesMax, kBuffersKept};
  const std::unique_ptr<async::LoopThread> drive_thread;
  const Duration drive_answer_max;
  const std::function<void(const std::string&)> drive_left;  // or null
  Order order;
  Suspects suspects;
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
  std::array<std::unique_ptr<Seat>, kSeatsMax> seats_;
  std::atomic<size_t> seat_count_{0};
  std::vector<std::unique_ptr<const View>> views_;  // guarded by the order's lock
  std::atomic<const View*> view_{nullptr};
  // Ends what waits for drives that do not answer, and takes them out of service.
  void look_at_drives();
  void probe(size_t seat);
  // Why the place cannot be read from; empty if it can.
  [[nodiscard]] std::string why_not(const Place& place) const;
  std::optional<DriveWatch> watch_;
};

}  // namespace strata::replica
