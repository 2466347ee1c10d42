// Suspects: which drives have kept readers waiting lately.
//
// A read that waits longer than kReadWaitMax is asked of another drive too, and the drive that kept
// it waiting becomes *suspect*: readers ask it last. It still takes every write and holds what it
// holds. While it is suspect it is probed, past the page cache; it stops being suspect when
// kSuspectWhile has passed since it last kept anybody waiting, and the last kProbesInTime probes
// were answered in time.
//
// Thread rule: any thread.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "common/io/clock.h"

namespace strata::replica {

// How long a read waits for one drive before it is asked of another one too.
inline constexpr Duration kReadWaitMax = std::chrono::milliseconds(500);
inline constexpr Duration kSuspectWhile = std::chrono::seconds(30);
inline constexpr uint32_t kProbesInTime = 3;
// Reads that block one drive at once: beyond, others are asked first, so that a drive that hangs
// does not hold all threads.
inline constexpr uint32_t kReadsADriveMax = 6;
inline constexpr size_t kSuspectSeatsMax = 1024;

class Suspects {
 public:
  // clock: null for the system's; outlives this.
  Suspects(const io::Clock* clock, Duration read_wait_max)
      : clock_(clock != nullptr ? *clock : own_clock_), read_wait_max_(read_wait_max) {}

  [[nodiscard]] Duration read_wait_max() const noexcept { return read_wait_max_; }
  // The drive has not answered a read within read_wait_max. True if it becomes suspect by it.
  bool kept_waiting(size_t seat);
  [[nodiscard]] bool is_suspect(size_t seat) const;

  // Reads on threads of the pool, by drive.
  void read_begins(size_t seat) noexcept { reading_[seat].fetch_add(1); }
  void read_ends(size_t seat) noexcept { reading_[seat].fetch_sub(1); }
  // Moves the drives that are better asked last to the end; the order is otherwise kept.
  void order(std::vector<size_t>& seats) const;

  // The suspects that have no probe under way; each must be told how its probe ended.
  [[nodiscard]] std::vector<size_t> begin_probes();
  // True if the drive is not suspect any more. in_time: it answered, and within read_wait_max.
  bool probe_ended(size_t seat, bool in_time);
  // The drive has left or is out: nobody asks it any more.
  void forget(size_t seat);

  [[nodiscard]] SteadyTime now() const { return clock_.steady_now(); }
  // Reads that were asked of another drive too.
  std::atomic<uint64_t> hedged_reads{0};

 private:
  struct Suspect {
    SteadyTime last_wait;
    uint32_t probes_in_time = 0;
    bool probing = false;
  };
  io::SystemClock own_clock_;
  const io::Clock& clock_;
  const Duration read_wait_max_;
  std::array<std::atomic<uint32_t>, kSuspectSeatsMax> reading_{};
  std::atomic<size_t> count_{0};  // of suspects_: readers need not lock while there are none
  mutable std::mutex mutex_;
  std::map<size_t, Suspect> suspects_;  // guarded by mutex_, by seat
};

}  // namespace strata::replica
