// Scrub: reads and verifies everything on every drive in service, replaces bad copies from good
// ones, and copies what a drive lacks.
//
// A pass goes through the notes, the log, the dropped blobs, the rows and the blobs, each on all
// drives at once, key by key; then through the files of each drive's index. It is spread over the
// period; a pass that was asked for is not. Where it stands, and when each range of keys was last
// verified, is kept on the drives themselves, so that it goes on there after a restart.
//
// Thread rule: as Worker; counts() and verified() from any thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/io/clock.h"
#include "common/worker/worker.h"
#include "objstore/replica/core.h"
#include "objstore/replica/scrub_blobs.h"
#include "objstore/replica/scrub_counts.h"
#include "objstore/replica/scrub_index.h"
#include "objstore/replica/scrub_marks.h"
#include "objstore/replica/scrub_records.h"
#include "objstore/replica/union_walk.h"

namespace strata::replica {

// What a pass may take unless somebody sets another rate.
inline constexpr uint64_t kScrubRate = 32 * kMiB;

class Scrub final : public worker::Worker {
 public:
  // period: from the start of one pass to the start of the next; zero: only when asked. Core and
  // clock outlive it.
  Scrub(Core& core, const io::Clock& clock, Duration period);

  [[nodiscard]] std::string_view name() const noexcept override { return "scrub"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "verifies every copy of everything and replaces bad ones";
  }
  [[nodiscard]] Result<worker::Step> step() override;
  void begin() override { hurry_.store(true); }
  [[nodiscard]] worker::Progress progress() const override;

  [[nodiscard]] const ScrubCounts& counts() const noexcept { return *counts_; }
  [[nodiscard]] Duration period() const noexcept { return period_; }

 private:
  // A range under way on one drive.
  struct OpenRange {
    ScrubPart part = ScrubPart::kNone;
    std::string from;
    int64_t started_ms = 0;
    uint64_t sequence = 0;
  };

  [[nodiscard]] int64_t wall_ms() const;
  [[nodiscard]] std::vector<size_t> members() const;
  void load();
  void begin_pass();
  void end_pass();
  void end_part();
  [[nodiscard]] Duration until_next_pass() const;
  [[nodiscard]] uint64_t expected_bytes() const;
  [[nodiscard]] Duration ahead_by() const;
  void run(const std::vector<size_t>& members);
  void run_table(const std::vector<size_t>& members, drive::Table table,
                 void (RecordJudge::*judge)(const std::string&, const std::vector<HeldCopy>&));
  void run_blobs(const std::vector<size_t>& members);
  void run_index(const std::vector<size_t>& members);
  void note_stops(const UnionWalk& walk);
  void open_ranges(const std::vector<size_t>& members);
  void save(const std::vector<size_t>& members, bool part_ends);
  void save_if_due(const std::vector<size_t>& members);
  void publish();

  Core& core_;
  const io::Clock& clock_;
  const Duration period_;
  const std::shared_ptr<ScrubCounts> counts_;
  RecordJudge judge_;
  BlobVerifier blobs_;
  IndexVerifier index_;

  std::atomic<bool> hurry_{false};
  // The rest: by the worker's thread.
  bool loaded_ = false;
  bool part_done_ = false;
  ScrubPosition at_;
  uint64_t findings_before_ = 0;  // counts_->findings() when at_.findings was last brought up
  std::map<size_t, OpenRange> ranges_;
  uint64_t bytes_unsaved_ = 0;
  SteadyTime saved_at_{};
  std::string blob_key_;  // of the file under way

  mutable std::mutex mutex_;
  worker::Progress shown_;  // guarded by mutex_
};

}  // namespace strata::replica
