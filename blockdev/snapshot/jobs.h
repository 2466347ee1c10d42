// Jobs: what takes long and was asked for by a person, each on a thread of its own, with progress
// to look at.
//
// Thread rule: from any thread; stop by one, at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "blockdev/snapshot/snapshotter.h"

namespace strata::snapshot {

// Under way at once; kBusy beyond.
inline constexpr size_t kJobsMax = 8;
// Ended ones that can still be looked at.
inline constexpr size_t kEndedJobsKept = 64;

struct JobStatus {
  uint64_t id = 0;
  std::string what;  // "snapshot db-1 of db"
  bool ended = false;
  bool failed = false;
  std::string message;          // of its end
  Code code = Code::kInternal;  // if it failed
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;  // 0: not known
};

class Jobs {
 public:
  // The message of the job's end, or what went wrong.
  using Work = std::function<Result<std::string>(JobProgress&)>;
  Jobs() = default;
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  [[nodiscard]] Result<uint64_t> begin(std::string what, Work work);
  [[nodiscard]] Result<JobStatus> show(uint64_t id) const;
  // The job ends soon, as one that failed.
  [[nodiscard]] Status cancel(uint64_t id);
  // Cancels all and waits for them; nothing is begun afterwards.
  void stop();

 private:
  struct Job {
    std::string what;
    JobProgress progress;
    std::thread thread;
    std::optional<Result<std::string>> end;  // under the jobs' mutex
  };
  void forget_old();  // mutex_ held

  mutable std::mutex mutex_;
  bool stopping_ = false;
  uint64_t last_id_ = 0;
  std::map<uint64_t, std::unique_ptr<Job>> jobs_;
};

}  // namespace strata::snapshot
