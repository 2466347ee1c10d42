// Membership: which folders are the cluster's drives, and what to say when they are not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/io/file_system.h"
#include "objstore/drive/drive.h"
#include "objstore/replica/worker_options.h"

namespace strata::replica {

struct DriveFolderOption {
  io::FileSystem* files = nullptr;  // outlives the store
  std::string path;
};

struct ReplicaSetOptions {
  std::vector<DriveFolderOption> drives;  // 1 to drive::kDrivesMax
  // Copies of everything: 1 to the number of drives. Fixed when the cluster is made.
  uint32_t replicas = 3;
  // An empty folder given together with drives of a cluster takes the place of a missing drive and
  // is filled from the others. Off by default: a folder may be empty because nothing is mounted.
  bool fill_empty_drives = false;
  // A drive that takes longer for a write or a flush goes out of service.
  Duration drive_answer_max = drive::kDriveAnswerMax;
  size_t index_cache_bytes = 64 * kMiB;  // shared by all drives
  WorkerOptions workers;
};

// One drive of the cluster, there or not.
struct Member {
  drive::Id128 id;
  std::string path;                     // empty when no folder of it was given
  std::string state;                    // why it is missing
  std::unique_ptr<drive::Drive> drive;  // null when it is missing
  [[nodiscard]] bool in_service() const noexcept { return drive && drive->in_service(); }
};

struct Members {
  drive::Id128 cluster;
  uint32_t replicas = 0;
  std::vector<Member> all;  // in the order in which the identities list them
  uint64_t rebuilt = 0;     // drives whose damaged index was made anew just now
};

// Opens the drives; makes a new cluster when every folder is empty. Refuses drives of different
// clusters, two folders with the same drive, and numbers that do not fit the cluster.
[[nodiscard]] Result<Members> open_members(const ReplicaSetOptions& options,
                                           drive::IndexCache& cache, RandomSource& random);

}  // namespace strata::replica
