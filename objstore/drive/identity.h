// The identity file of a drive: which cluster it belongs to, which drive it is, who the members
// are.
//
// A member is a slot, which placements are hashed to, and the drive that fills it. A replacement
// takes over the slot under a drive id of its own, so that the drive it replaced is known for what
// it is when it turns up again. The list of members has a number that grows with every change; the
// highest one among the drives of a cluster is true.
//
// It is text, so that a person with a drive in hand can tell what it is (docs/drive-format.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "objstore/drive/id128.h"

namespace strata::drive {

inline constexpr uint32_t kDriveFormat = 1;
inline constexpr size_t kDrivesMax = 32;
inline constexpr size_t kIdentityBytesMax = 16 * kKiB;

// Weights are capacities in MiB, see replica/placement.h.
inline constexpr uint64_t kWeightMax = uint64_t{1} << 40;
inline constexpr uint64_t kLayoutMax = uint64_t{1} << 48;

struct MemberRecord {
  Id128 slot;
  Id128 drive;
  uint64_t weight = 1;  // 1 to kWeightMax
  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

struct Identity {
  Id128 cluster;
  Id128 drive;
  uint32_t format = kDriveFormat;
  uint32_t replicas = 0;
  uint64_t layout = 1;                // the number of the lists below
  std::vector<MemberRecord> members;  // in an order that only additions and departures change
  std::vector<MemberRecord> next;     // the members when the move under way ends; else empty
  // Whether this drive is a member now, or will be. One that is not has left the cluster.
  [[nodiscard]] bool is_member() const;
  friend bool operator==(const Identity&, const Identity&) = default;
};

[[nodiscard]] std::string render_identity(const Identity& identity);
// kUnsupported for a newer format, kCorrupt for anything that render_identity did not write.
[[nodiscard]] Result<Identity> parse_identity(std::string_view text);

}  // namespace strata::drive
