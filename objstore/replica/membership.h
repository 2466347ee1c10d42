// Membership: which folders are the cluster's drives, and what to say when they are not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/io/file_system.h"
#include "objstore/drive/drive.h"
#include "objstore/replica/suspects.h"
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
  // Whether to refuse drives that keep another number of copies; else `replicas` is only for a
  // cluster that is being made.
  bool replicas_asked = true;
  // An empty folder given together with drives of a cluster takes the place of a missing drive and
  // is filled from the others. Off by default: a folder may be empty because nothing is mounted.
  bool fill_empty_drives = false;
  // Drives, by id or the first digits of it, that are away for good: what only they had is lost. It
  // is written down, so that they are refused when they turn up; an id that is not a member's any
  // more is passed over.
  std::vector<std::string> accept_loss{};
  // A drive that takes longer for a write or a flush goes out of service.
  Duration drive_answer_max = drive::kDriveAnswerMax;
  // A read that waits longer for a drive is asked of another one too.
  Duration read_wait_max = kReadWaitMax;
  size_t index_cache_bytes = 64 * kMiB;  // shared by all drives
  // Of every drive. Nothing of it is written down: another start may choose otherwise.
  drive::Durability durability = drive::Durability::kStrict;
  // Called with the folder of each drive that has been drained or replaced, when it has left, and
  // once more by a start that is given it all the same. From a thread that may block; null: nobody.
  std::function<void(const std::string& path)> drive_left{};
  WorkerOptions workers;
};

// One drive of the cluster, there or not.
struct Member {
  drive::MemberRecord record;
  std::string path;                     // empty when no folder of it was given
  std::string state;                    // why it is missing
  bool absent = true;                   // no drive of it was found, and none has failed
  std::unique_ptr<drive::Drive> drive;  // null when it is missing
  [[nodiscard]] bool in_service() const noexcept { return drive && drive->in_service(); }
};

// A folder that was given and is not used.
struct LeftOut {
  std::string path;
  std::string why;
  bool has_left = false;  // it was a drive of the cluster
};

struct Members {
  drive::Id128 cluster;
  uint32_t replicas = 0;
  uint64_t layout = 1;
  std::vector<Member> all;                // in the order in which the identities list them
  std::vector<drive::MemberRecord> next;  // the members after the move under way, or empty
  std::vector<Member> incoming;           // drives of `next` that are not members yet
  std::vector<LeftOut> left_out;
  uint64_t rebuilt = 0;           // drives whose damaged index was made anew just now
  uint64_t repaired_at_open = 0;  // as Drive::repaired_at_open has it

  // What the drive's identity file has to say.
  [[nodiscard]] drive::Identity identity_of(const drive::Id128& drive) const;
};

// Opens the drives; makes a new cluster when every folder is empty. Refuses drives of different
// clusters, two folders with the same drive, and numbers that do not fit the cluster. A drive that
// has left the cluster is left out, with advice.
[[nodiscard]] Result<Members> open_members(const ReplicaSetOptions& options,
                                           drive::IndexCache& cache, RandomSource& random);

// What the state of a member says that is lost.
[[nodiscard]] std::string lost_state(const drive::MemberRecord& record);
// The least that names a drive by the beginning of its id.
inline constexpr size_t kIdPrefixMin = 4;

// The weight of a drive in this folder.
[[nodiscard]] Result<uint64_t> weight_of_folder(const DriveFolderOption& folder);

}  // namespace strata::replica
