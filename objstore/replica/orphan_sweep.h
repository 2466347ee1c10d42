// OrphanSweep: removes files of blobs that no record owns, while the store serves. They are left
// behind by writers whose file could not be removed, and by copies that were called off.
//
// A file stays if a record owns it, or did until a moment ago and a reader may still need it; if
// its blob's writer lives; if its record is damaged; and while it is young. Small blobs have no
// files: the scrub removes data that no record owns.
//
// Thread rule: as Worker.
#pragma once

#include <mutex>
#include <vector>

#include "common/io/clock.h"
#include "common/worker/worker.h"
#include "objstore/replica/core.h"

namespace strata::replica {

inline constexpr uint64_t kOrphanSweepRate = 4 * kMiB;
// What looking at one file counts for: a look-up in the index.
inline constexpr uint64_t kOrphanLookBytes = 4 * kKiB;

class OrphanSweep final : public worker::Worker {
 public:
  // age: how old a file has to be. Core and clock outlive it.
  OrphanSweep(Core& core, const io::Clock& clock, Duration age)
      : core_(core), clock_(clock), age_(age) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "orphans"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "removes files of blobs that nothing owns";
  }
  [[nodiscard]] Result<worker::Step> step() override;
  void begin() override {}
  [[nodiscard]] worker::Progress progress() const override;

 private:
  [[nodiscard]] std::vector<size_t> members() const;
  [[nodiscard]] bool next_folder(const std::vector<size_t>& members);
  [[nodiscard]] Result<bool> is_orphan(const drive::Drive& drive,
                                       const drive::Drive::BlobEntry& entry) const;
  [[nodiscard]] bool may_own(const drive::Drive& drive, const drive::Id128& id) const;
  void begin_pass();
  void end_pass();

  Core& core_;
  const io::Clock& clock_;
  const Duration age_;
  // By the worker's thread.
  bool in_pass_ = false;
  size_t member_ = 0;
  int folder_ = -1;  // the one whose entries are looked at
  std::vector<drive::Drive::BlobEntry> entries_;

  mutable std::mutex mutex_;
  worker::Progress shown_;  // guarded by mutex_
};

}  // namespace strata::replica
