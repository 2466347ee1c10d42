// SlowPath: what happens to requests that a TrackedDevice keeps, and the instant of a snapshot. One
// thread a volume, the office, does it all in order: what it does to a chunk nobody else does.
//
// Thread rule: demand, take_granted and writes_ended by the queues' threads, without blocking for
// long; the rest by any other thread; those calls block.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "blockdev/snapshot/copy_set.h"
#include "blockdev/snapshot/tracked_device.h"

namespace strata::snapshot {

// Fetches of one volume under way at once.
inline constexpr size_t kFetchesMax = 16;
// Fetched chunks after which the image is flushed and the bitmap on disk follows.
inline constexpr size_t kUnnotedMax = 64;
// A disk that does not end its writes in this time makes a snapshot fail, not the volume.
inline constexpr std::chrono::seconds kGateMax{20};

class SlowPath {
 public:
  SlowPath(TrackedDevice& device, TrackedDevice::Parts& parts);
  // Waits for the fetches under way.
  ~SlowPath();
  SlowPath(const SlowPath&) = delete;
  SlowPath& operator=(const SlowPath&) = delete;

  // Reads the state: which chunks are open and present. Before anything else.
  [[nodiscard]] Status start();

  // For the queues.
  void demand(device::IoRequest& request, uint64_t length, bool write) noexcept;
  [[nodiscard]] device::IoRequest* take_granted(Lane& lane) noexcept;
  void writes_ended() noexcept;

  // A snapshot. begin: prepares, and freezes at one instant; from then on copies() gives what has
  // to be copied: everything, if `whole`, else what may have changed since the base, which frozen()
  // tells (nullptr: everything). Each begin that succeeded is followed by one finish or abandon.
  [[nodiscard]] Status begin_snapshot(bool whole);
  [[nodiscard]] CopySet& copies() noexcept { return copies_; }
  [[nodiscard]] const Bitmap* frozen() const noexcept { return state_->frozen(); }
  [[nodiscard]] Status finish_snapshot(SnapshotReference base);
  [[nodiscard]] Status abandon_snapshot();

  // What the volume's files say. A copy, taken by the office.
  [[nodiscard]] Tracking tracking();
  // Chunks that count as changed and are not in the image: after damage to the bitmap of changes.
  [[nodiscard]] std::vector<uint64_t> absent_and_marked();
  // Fetches what is absent of the range. The error of the first fetch that failed.
  [[nodiscard]] Status ensure_present(ChunkRange range);
  // The first chunk at or after `from` that is absent; nullopt if there is none.
  [[nodiscard]] std::optional<uint64_t> next_absent(uint64_t from) const noexcept;
  // Chunks that are absent, and chunks that the origin has.
  struct Hydration {
    uint64_t absent = 0;
    uint64_t total = 0;
  };
  [[nodiscard]] Hydration hydration() const noexcept;
  // Notes durably what has been fetched; ends the hydration if nothing is absent any more.
  [[nodiscard]] Status note_hydration();

 private:
  struct Demand {
    device::IoRequest* request = nullptr;  // or
    std::promise<Status>* waiter = nullptr;
    ChunkRange range;
    uint64_t length = 0;  // of the request's bytes
    bool write = false;
  };
  struct Fetched {
    uint64_t chunk = 0;
    Result<ChunkBuffer> bytes;
  };

  void work();
  void post_demand(Demand demand);
  [[nodiscard]] Status run(std::function<Status()> command);
  void serve(std::vector<Demand> demands);
  void open_for(const std::vector<Demand>& writes);
  [[nodiscard]] Status note_marks(const std::vector<Demand>& writes);
  void let_go(const std::vector<Demand>& writes);
  void grant(const Demand& demand, const Status& status) noexcept;
  void start_fetches(ChunkRange range);
  void take_fetched(Fetched fetched);
  [[nodiscard]] Status store_fetched(uint64_t chunk, Bytes bytes);
  [[nodiscard]] Status note_fetched();
  [[nodiscard]] Status freeze(bool whole);
  [[nodiscard]] bool drained();
  void close_all() noexcept;
  void start_office();

  TrackedDevice& device_;
  const std::unique_ptr<VolumeState> state_;
  ChunkFetcher* const fetcher_;
  const std::string name_;
  CopySet copies_;

  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<Demand> demands_;                 // under mutex_
  std::deque<std::function<void()>> commands_;  // under mutex_
  std::vector<Fetched> fetched_;                // under mutex_
  size_t fetches_under_way_ = 0;                // under mutex_
  bool stopping_ = false;                       // under mutex_
  bool started_ = false;                        // under mutex_
  std::thread office_;

  // The office's own.
  std::unique_ptr<BlockingIo> image_;
  std::vector<Demand> waiting_;  // for fetches
  std::set<uint64_t> fetching_;
  std::vector<ChunkRange> unnoted_;  // fetched and in the image, not yet noted on disk
  std::atomic<uint64_t> absent_{0};
  uint64_t origin_chunks_ = 0;
};

}  // namespace strata::snapshot
