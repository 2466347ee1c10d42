// attach and detach by ublk: the server itself is the device's driver.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "common/io/file_system.h"
#include "strata/attachment.h"

namespace strata::roof {

struct UblkOptions {
  uint32_t queues = 0;  // 0: as many as fit the host
  bool copy = false;    // data is copied, though the kernel and the volume could do without
};

// What this kernel lacks for ublk; empty: nothing that can be seen from here.
[[nodiscard]] std::string ublk_lacks();

// Asks the server of the data folder to make the volume a device; its path. why: what of the device
// the user should know is added to it.
[[nodiscard]] Result<std::string> connect_ublk(const std::string& data,
                                               const Attachment& attachment,
                                               const UblkOptions& options, std::string& why);

// The device of the volume, which the server's list has and the kernel too; empty: none. The device
// that an attachment remembers may be somebody else's after a restart of the host.
[[nodiscard]] Result<std::string> find_ublk(io::FileSystem& files, const std::string& data,
                                            const std::string& volume);

// The device is gone; nothing to do if there is none. kConflict while it is in use, but with
// `force`. Without a server the kernel is asked: what waits for the server fails.
[[nodiscard]] Status release_ublk(io::FileSystem& files, const std::string& data,
                                  const std::string& volume, bool force);

}  // namespace strata::roof
