// DriveList: the folders of the drives, those that `strata serve` was started with and those that
// were added while it ran. The latter are remembered in DATA/drives, so that the next start finds
// them again; and so are the data folder's own drives that have left, so that it does not look for
// them.
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
  // configured: from the options; by_default: nobody asked for these. `files` outlives the list.
  // kCorrupt for a file that is not as it was written.
  [[nodiscard]] static Result<std::unique_ptr<DriveList>> open(io::FileSystem& files,
                                                               const std::string& data,
                                                               std::vector<std::string> configured,
                                                               bool by_default);

  // All of them, each folder once.
  [[nodiscard]] std::vector<std::string> paths() const;
  // From now on the folder is one of them: written before this returns. True if it is new.
  [[nodiscard]] Result<bool> remember(const std::string& path);
  // No longer, unless somebody named it with --drive: written before this returns.
  [[nodiscard]] Status forget(const std::string& path);

 private:
  DriveList(io::FileSystem& files, std::string file, std::vector<std::string> configured,
            bool by_default)
      : files_(files),
        file_(std::move(file)),
        configured_(std::move(configured)),
        by_default_(by_default) {}
  [[nodiscard]] Status parse(std::string_view text);
  [[nodiscard]] Status write() const;  // mutex_ held

  io::FileSystem& files_;
  const std::string file_;
  const std::vector<std::string> configured_;
  const bool by_default_;
  mutable std::mutex mutex_;
  std::vector<std::string> remembered_;  // guarded by mutex_
  std::vector<std::string> left_;        // guarded by mutex_: the data folder's own that have left
};

// The path as it is from the root, without "." and "..": two names of one folder become the same,
// links aside.
[[nodiscard]] std::string absolute_path(const std::string& path);

}  // namespace strata::roof
