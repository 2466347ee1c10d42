// Snapshotter: makes one snapshot of a volume, from the instant to the manifest.
//
//   claim      so that the collector leaves the chunks alone that no manifest names yet
//   freeze     the instant (slow_path.h)
//   copy       what may have changed since the base, if the base is still there; else everything.
//              Chunks of zeroes and chunks that are there already are not stored
//   flush      so that what is in the snapshot is on the volume's disk, too
//   manifest   last: before it there is no snapshot, after it there is a whole one
//   base       the volume's next snapshot needs only what changes from here on
//
// Whatever fails or is cancelled before the manifest leaves no snapshot, and a volume that tracks
// its changes as before; chunks that were stored are used by the next attempt, or collected.
//
// Thread rule: run by one thread, which blocks; progress and cancel from any other.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "blockdev/snapshot/repository.h"
#include "blockdev/snapshot/slow_path.h"
#include "common/worker/token_bucket.h"

namespace strata::snapshot {

struct JobProgress {
  std::atomic<uint64_t> done_bytes{0};
  std::atomic<uint64_t> total_bytes{0};  // 0: not known yet
  std::atomic<bool> cancelled{false};
};

// How long a copier that worked so long on a chunk of a volume in use stands back: of three about
// one copies at a time. At least 30 MiB/s are copied nonetheless, unless the disk or the place is
// slower than that, so that a snapshot ends under any load.
inline constexpr int kPausePerWork = 2;
inline constexpr std::chrono::milliseconds kPauseMax{50};
[[nodiscard]] constexpr Duration copier_pause(Duration worked) noexcept {
  return std::min<Duration>(worked * kPausePerWork, kPauseMax);
}
// Reads and flushes in a second from which on a volume counts as in use; a write under way is
// enough.
inline constexpr int64_t kUsedPerSecond = 1000;

class Snapshotter {
 public:
  struct Request {
    std::string volume_name;
    std::string volume_id;
    std::string name;   // of the snapshot
    std::string id;     // 32 hexadecimal digits, random
    uint64_t rate = 0;  // bytes a second to copy; 0: no limit
  };
  // All outlive this.
  Snapshotter(TrackedDevice& device, Repository& repository, const io::Clock& clock,
              JobProgress& progress)
      : device_(device), repository_(repository), clock_(clock), progress_(progress) {}

  // kAlreadyExists for a name that is taken; kConflict if it was cancelled.
  [[nodiscard]] Result<chunks::Manifest> run(const Request& request);

 private:
  static constexpr size_t kCopiers = 3;
  // Where there is no idle core, who uses the volume goes before who copies it: a copier's own
  // thread gets about a tenth of what they get, and all that they leave. The place and the disk do
  // not know: hence the pauses.
  static constexpr int kCopierNice = 10;

  [[nodiscard]] Result<chunks::Manifest> run_claimed(const Request& request,
                                                     const std::string& claim);
  [[nodiscard]] std::optional<chunks::Manifest> find_base();
  [[nodiscard]] Status make_present(bool whole);
  [[nodiscard]] Status copy(const chunks::Manifest* base, const Request& request,
                            const std::string& claim);
  [[nodiscard]] Status flush_image();
  void copy_some(const chunks::Manifest* base);
  [[nodiscard]] Status copy_chunk(const chunks::Manifest* base, uint64_t chunk, Bytes bytes);
  [[nodiscard]] Status pause_for_rate();
  void pause_for_users(SteadyTime began, uint64_t passed_before);
  [[nodiscard]] chunks::Manifest make_manifest(const Request& request, const chunks::Manifest* base,
                                               int64_t created_ms);
  void fail(const Error& error);

  TrackedDevice& device_;
  Repository& repository_;
  const io::Clock& clock_;
  JobProgress& progress_;
  std::atomic<uint32_t> copiers_left_{0};
  std::mutex mutex_;
  std::condition_variable copied_;
  std::vector<chunks::ManifestEntry> entries_;  // under mutex_
  uint64_t new_bytes_ = 0;                      // under mutex_
  std::optional<Error> error_;                  // under mutex_
  worker::TokenBucket bucket_{0};               // under mutex_
};

}  // namespace strata::snapshot
