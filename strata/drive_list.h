// DriveList: the folders of the drives, those that `strata serve` was started with and those that
// were added while it ran. The latter are remembered in DATA/drives, so that the next start finds
// them again.
//
// Thread rule: any thread.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::roof {

inline constexpr size_t kDriveListBytesMax = 256 * kKiB;
inline constexpr size_t kRememberedMax = 64;

class DriveList {
 public:
  // configured: from the options. `files` outlives the list. kCorrupt for a file that is not as it
  // was written.
  [[nodiscard]] static Result<std::unique_ptr<DriveList>> open(io::FileSystem& files,
                                                               const std::string& data,
                                                               std::vector<std::string> configured);

  // All of them, each folder once.
  [[nodiscard]] std::vector<std::string> paths() const;
  // From now on the folder is one of them: written before this returns. True if it is new.
  [[nodiscard]] Result<bool> remember(const std::string& path);
  // No longer, unless it was configured.
  [[nodiscard]] Status forget(const std::string& path);

 private:
  DriveList(io::FileSystem& files, std::string file, std::vector<std::string> configured)
      : files_(files), file_(std::move(file)), configured_(std::move(configured)) {}
  [[nodiscard]] Status write() const;  // mutex_ held

  io::FileSystem& files_;
  const std::string file_;
  const std::vector<std::string> configured_;
  mutable std::mutex mutex_;
  std::vector<std::string> remembered_;  // guarded by mutex_
};

// The path as it is from the root, without "." and "..": two names of one folder become the same,
// links aside.
[[nodiscard]] std::string absolute_path(const std::string& path);

}  // namespace strata::roof
