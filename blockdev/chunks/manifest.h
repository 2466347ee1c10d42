// The manifest of a snapshot: which chunk of the volume is which stored chunk. It is written last,
// in one piece: a snapshot is complete, or it is not there. The format is docs/snapshot-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blockdev/chunks/chunk.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::chunks {

inline constexpr uint32_t kManifestVersion = 1;
inline constexpr size_t kSnapshotNameBytesMax = 128;
inline constexpr size_t kVolumeNameBytesMax = 64;
inline constexpr size_t kIdDigits = 32;  // of a volume's and of a snapshot's id
// Chunks that are not zero in one snapshot: 1 TiB of data.
inline constexpr uint64_t kManifestChunksMax = 2 * kMiB;
inline constexpr uint64_t kManifestEntryBytes = 4 + kHashBytes;
inline constexpr uint64_t kManifestBytesMax = 4 * kKiB + kManifestChunksMax * kManifestEntryBytes;

struct ManifestEntry {
  uint32_t index = 0;  // of the chunk in the volume
  ChunkId id;
  friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

struct Manifest {
  std::string name;
  std::string id;           // 32 hexadecimal digits, random
  std::string volume_name;  // as it was called when the snapshot was taken
  std::string volume_id;
  std::string parent_id;  // of the snapshot that this one was made from; empty: none
  uint64_t size_bytes = 0;
  int64_t created_ms = 0;             // wall time of the instant
  uint64_t new_bytes = 0;             // that were stored for this snapshot and no other before
  std::vector<ManifestEntry> chunks;  // ascending; what is missing is zeroes
  friend bool operator==(const Manifest&, const Manifest&) = default;

  // Nullptr for a chunk of zeroes.
  [[nodiscard]] const ChunkId* find(uint64_t index) const noexcept;
};

// A letter or digit, then letters, digits, '.', '_' or '-', at most kSnapshotNameBytesMax.
[[nodiscard]] Status check_snapshot_name(std::string_view name);

[[nodiscard]] ByteVector encode_manifest(const Manifest& manifest);

// kUnsupported for a newer version; kCorrupt, with what is wrong, for anything else that
// encode_manifest would not have written.
[[nodiscard]] Result<Manifest> decode_manifest(Bytes file);

// A stretch of a volume in which two snapshots differ, in bytes.
struct ChangedRange {
  uint64_t offset = 0;
  uint64_t length = 0;
  friend bool operator==(const ChangedRange&, const ChangedRange&) = default;
};
// Where `to` differs from `from`, ascending, neighbours joined, cut at the end of the greater one.
[[nodiscard]] std::vector<ChangedRange> changed_ranges(const Manifest& from, const Manifest& to);

}  // namespace strata::chunks
