// The list of a server's ublk devices, DATA/ublk.json, replaced as a whole:
//
//   {"version": 1, "devices": [{"volume": "db", "token": "0123...", "read_only": false,
//                               "number": 0, "identity": "0123456789abcdef"}]}
//
// A device is on it before it appears, and until it is gone, so that whatever a killed server
// leaves behind is found. The kernel keeps the identity too: after a restart of the host somebody
// else's device may have the number. A list of a newer version is not touched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::roof {

inline constexpr size_t kUblkDevicesMax = 64;

struct UblkRecord {
  std::string volume = {};
  std::string token = {};  // of its attachment; empty: none, as of a volume in memory
  bool read_only = false;
  uint32_t number = 0;
  uint64_t identity = 0;
};

[[nodiscard]] std::string ublk_list_path(const std::string& data);
// Empty if there is no list. kCorrupt names the file and what to do.
[[nodiscard]] Result<std::vector<UblkRecord>> load_ublk_list(io::FileSystem& files,
                                                             const std::string& path);
[[nodiscard]] Status save_ublk_list(io::FileSystem& files, const std::string& path,
                                    const std::vector<UblkRecord>& records);

}  // namespace strata::roof
