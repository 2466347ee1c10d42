// The identity file of a drive: which cluster it belongs to, which member it is, who the others
// are.
//
// It is text, so that a person with a drive in hand can tell what it is (docs/drive-format.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "objstore/drive/id128.h"

namespace strata::drive {

inline constexpr uint32_t kDriveFormat = 1;
inline constexpr size_t kDrivesMax = 32;
inline constexpr size_t kIdentityBytesMax = 8192;

struct Identity {
  Id128 cluster;
  Id128 drive;
  uint32_t format = kDriveFormat;
  uint32_t replicas = 0;
  std::vector<Id128> members;  // every drive of the cluster, this one included
  friend bool operator==(const Identity&, const Identity&) = default;
};

[[nodiscard]] std::string render_identity(const Identity& identity);
// kUnsupported for a newer format, kCorrupt for anything that render_identity did not write.
[[nodiscard]] Result<Identity> parse_identity(std::string_view text);

}  // namespace strata::drive
