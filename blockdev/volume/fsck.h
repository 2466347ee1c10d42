// fsck: whether a volume's files are what they should be, and repairs that cannot lose data.
#pragma once

#include <string>
#include <vector>

#include "blockdev/volume/host_device.h"
#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::volume {

struct FsckOptions {
  bool repair = false;      // needs a volume that nobody uses
  bool read_image = false;  // reads every byte, to find what the disk cannot give back
};

struct FsckFinding {
  std::string what;  // what is wrong, and what to do
  bool repaired = false;
};

struct FsckReport {
  std::vector<FsckFinding> findings;
  uint64_t bytes_read = 0;
  // Nothing is wrong any more.
  [[nodiscard]] bool clean() const noexcept;
};

// Of findings about unreadable parts of the image no more than this many are listed.
inline constexpr size_t kUnreadableMax = 100;

// root: the catalogue's folder; the volume's folder is `name` in it. kNotFound without one.
//
// Repaired are: a change that a crash cut short (finished or undone), a leftover temporary file,
// and an image that is too long with nothing but zeroes behind its end. Everything else is only
// told: nothing is guessed.
[[nodiscard]] Result<FsckReport> fsck_volume(io::FileSystem& files, HostDevices& devices,
                                             const std::string& root, const std::string& name,
                                             FsckOptions options);

}  // namespace strata::volume
