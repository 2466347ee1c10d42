// ReturnWatch: the worker that notices when a drive's folder is gone, and takes the drive back when
// the folder is there again: a disk that was unmounted and mounted, a folder that was moved away
// and back.
//
// Only for drives that were *missing*: away at the start, or gone while they served without having
// failed. A drive that failed a write or a flush lies, for all that is known, and stays out until
// somebody says otherwise (ReplicaSet::return_drive). Either way it joins like any other: it is
// compared with the others before it serves.
//
// A folder counts as back when it has the drive's identity and its index looked the same twice in a
// row, so that one that is being copied there is not opened half-way.
//
// Thread rule: step() by one thread at a time, one that may block; progress() from any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/worker/worker.h"
#include "objstore/replica/core.h"
#include "objstore/replica/moves.h"

namespace strata::replica {

// How often the folders are looked at.
inline constexpr Duration kReturnLookEvery = std::chrono::seconds(5);

class ReturnWatch final : public worker::Worker {
 public:
  // folders: where drives are looked for, beside the paths of those that have gone.
  ReturnWatch(Core& core, Moves& moves, std::vector<DriveFolderOption> folders)
      : core_(core), moves_(moves), folders_(std::move(folders)) {
    shown_.unit = "drives missing";
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "return"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "takes back drives that were missing, when their folders are there again";
  }
  [[nodiscard]] Result<worker::Step> step() override;
  void begin() override {}  // it looks whenever it is asked
  [[nodiscard]] worker::Progress progress() const override;

 private:
  // The members that are missing, and the folders in which they may turn up.
  struct Missing {
    std::vector<drive::Id128> drives;
    std::vector<DriveFolderOption> folders;
  };
  [[nodiscard]] Missing look_at_drives() const;
  // Whether a missing drive is in the folder, and lies still.
  [[nodiscard]] bool is_back(const DriveFolderOption& folder,
                             const std::vector<drive::Id128>& missing);

  Core& core_;
  Moves& moves_;
  const std::vector<DriveFolderOption> folders_;
  std::map<std::string, std::string> seen_;  // of each folder, what its index was like

  mutable std::mutex mutex_;
  worker::Progress shown_;  // guarded by mutex_
};

}  // namespace strata::replica
