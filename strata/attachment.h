// An attachment: a volume as a block device of this host, and what is remembered of it.
//
// DATA/attached/NAME.json is written before each step that leaves something in the kernel, so that
// whatever a killed program or server leaves behind is found and undone by the next attach or
// detach. What is really there is asked from the kernel each time, never taken from the file.
//
// Thread rule: one thread; AttachmentLock keeps other processes away.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::roof {

struct Attachment {
  std::string volume;
  std::string volume_id;
  std::string token;   // names it in the export's name
  std::string method;  // "ublk", "nbd" or "fuse"
  bool read_only = false;
  std::string device;  // "/dev/loop3"; empty until it is known
  std::string mount;   // the folder that attach mounted it on; empty: none
};

class AttachmentStore {
 public:
  // data: the server's data folder.
  AttachmentStore(io::FileSystem& files, const std::string& data);

  // One attach or detach of a volume at a time. kConflict while another is at work.
  [[nodiscard]] Result<std::unique_ptr<io::FileLock>> lock(const std::string& volume);
  [[nodiscard]] Result<std::optional<Attachment>> load(const std::string& volume);
  [[nodiscard]] Status save(const Attachment& attachment);
  [[nodiscard]] Status forget(const std::string& volume);

  // The file that nbdfuse serves the volume as, and its log.
  [[nodiscard]] std::string disk_path(const std::string& volume) const;
  [[nodiscard]] std::string log_path(const std::string& volume) const;

 private:
  [[nodiscard]] std::string path(const std::string& volume, std::string_view ending) const;
  io::FileSystem& files_;
  std::string folder_;  // absolute
};

// What the kernel says now.

// The loop devices over that file.
[[nodiscard]] std::vector<std::string> loops_over(const std::string& file);
// Whether something is mounted exactly there.
[[nodiscard]] bool is_mounted(const std::string& point);
// Where the device is mounted.
[[nodiscard]] std::vector<std::string> mounts_of(const std::string& device);
// Processes that have a file below the folder, or the device itself, open: "1234 (postgres)". At
// most kHoldersMax.
inline constexpr size_t kHoldersMax = 10;
[[nodiscard]] std::vector<std::string> holders_of(const std::string& path);
[[nodiscard]] std::string joined(const std::vector<std::string>& words);

}  // namespace strata::roof
