// What a volume remembers of its snapshots: a small text file in its folder. The format is
// docs/snapshot-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::snapshot {

inline constexpr uint64_t kTrackingVersion = 1;
inline constexpr uint64_t kTrackingBytesMax = 8192;
inline constexpr size_t kPlaceBytesMax = 1024;
// The volume's own, while a snapshot is being made, and the one that follows.
inline constexpr size_t kGenerationsMax = 2;

// A snapshot, and where it is.
struct SnapshotReference {
  std::string id;  // 32 hexadecimal digits
  std::string name;
  std::string place;  // "own", or the URL of another place
  friend bool operator==(const SnapshotReference&, const SnapshotReference&) = default;
};

struct Tracking {
  std::string volume_id;
  // The volume is this snapshot, but for the changes.
  std::optional<SnapshotReference> base;
  // Generations of bitmaps, ascending: together the chunks that may have changed since the base.
  std::vector<uint64_t> changes;
  // Chunks that are not in the image yet are this snapshot's.
  std::optional<SnapshotReference> origin;
  friend bool operator==(const Tracking&, const Tracking&) = default;
};

// Characters that a URL may have, no space; at most kPlaceBytesMax.
[[nodiscard]] Status check_place(std::string_view place);

[[nodiscard]] std::string encode_tracking(const Tracking& tracking);
// kUnsupported for a newer version; kCorrupt, with what is wrong, for anything else that
// encode_tracking would not have written.
[[nodiscard]] Result<Tracking> decode_tracking(Bytes file);

}  // namespace strata::snapshot
