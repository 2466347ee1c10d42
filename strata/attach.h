// attach and detach: a volume becomes a block device of this host, and is none again.
//
//   ublk   the server is the device's driver, and takes it up again after a restart
//   nbd    the kernel's own NBD client, through nbd-client
//   fuse   nbdfuse serves the volume as a file, and a loop device makes a disk of the file
//
// All are idempotent, and clean up after a server or a program that was killed.
#pragma once

#include <string>

#include "common/base/result.h"
#include "strata/attach_ublk.h"
#include "strata/attachment.h"

namespace strata::roof {

struct AttachRequest {
  std::string data;
  std::string volume;
  std::string method = "auto";
  bool read_only = false;
  std::string mkfs;   // "ext4" or "xfs": make a filesystem, if the volume is blank
  std::string mount;  // mount it there
  UblkOptions ublk = {};
};

struct Attached {
  Attachment attachment;
  std::string why;       // why this method
  bool already = false;  // it was attached before
};

// What this kernel offers, of the method that is asked for; kUnsupported says what is missing.
// no_ublk: why ublk is not to be had, if that is known already.
[[nodiscard]] Result<std::string> choose_method(const std::string& wanted, std::string& why,
                                                std::string no_ublk = {});

// kConflict if somebody else writes to the volume, if a mount point is taken, or if the volume is
// to get a filesystem and is not blank.
[[nodiscard]] Result<Attached> attach_volume(io::FileSystem& files, const AttachRequest& request);

// True if it was attached. kConflict, saying who, while it is in use; then it stays attached.
[[nodiscard]] Result<bool> detach_volume(io::FileSystem& files, const std::string& data,
                                         const std::string& volume);

}  // namespace strata::roof
