// The identity file of a drive: which cluster it belongs to, which drive it is, who the members
// are.
//
// A member is a slot, which placements are hashed to, and the drive that fills it. A replacement
// takes over the slot under a drive id of its own, so that the drive it replaced is known for what
// it is when it turns up again. The list of members has a number that grows with every change; the
// highest one among the drives of a cluster is true.
//
// The file is there twice: damage to one is repaired from the other. Of two that are whole and
// differ the one called `identity` counts; the other was about to be written when the power went.
//
// It is text, so that a person with a drive in hand can tell what it is (docs/drive-format.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/io/file_system.h"
#include "objstore/drive/id128.h"

namespace strata::drive {

inline constexpr uint32_t kDriveFormat = 1;
inline constexpr size_t kDrivesMax = 32;
inline constexpr size_t kIdentityBytesMax = 16 * kKiB;
inline constexpr std::string_view kIdentityName = "identity";
inline constexpr std::string_view kIdentityCopyName = "identity.copy";

// Weights are capacities in MiB, see replica/placement.h.
inline constexpr uint64_t kWeightMax = uint64_t{1} << 40;
inline constexpr uint64_t kLayoutMax = uint64_t{1} << 48;

struct MemberRecord {
  Id128 slot;
  Id128 drive;
  uint64_t weight = 1;  // 1 to kWeightMax
  // A slot whose drive is gone for good, which somebody has said: what nobody else holds is lost.
  // The slot's own id stands for the drive then, which no drive has, so that one which turns up
  // after all is refused.
  [[nodiscard]] bool is_lost() const noexcept { return drive == slot; }
  void lose() noexcept { drive = slot; }
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

// Whether the last line is the checksum of those before it, whatever the format.
[[nodiscard]] bool identity_checksum_holds(std::string_view text);

// The identity of the drive in this folder, from either file. kNotFound when neither is there; else
// what is wrong with the file `identity`.
[[nodiscard]] Result<Identity> read_identity(io::FileSystem& files, const std::string& path);
// Both files, one after the other, flushed.
[[nodiscard]] Status write_identity(io::FileSystem& files, const std::string& path,
                                    const Identity& identity);
// Compares both files with what they should be and writes anew those that differ: how many of
// them were damaged, or gone.
[[nodiscard]] Result<uint32_t> repair_identity(io::FileSystem& files, const std::string& path,
                                               const Identity& identity);

}  // namespace strata::drive
