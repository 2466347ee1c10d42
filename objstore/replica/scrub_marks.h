// What the scrub remembers on each drive: where a pass stands, and when each range of keys was last
// verified there. Kept as notes in the table kMeta (docs/drive-format.md).
//
// Thread rule: reading from any thread that may block; writing on a committer's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "objstore/drive/drive.h"

namespace strata::replica {

// The parts of a pass, in the order in which they are gone through: tables, then files. Stored:
// never renumbered.
enum class ScrubPart : uint8_t {
  kNone = 0,
  kMeta = 1,
  kLog = 2,
  kDropped = 3,
  kRows = 4,
  kBlobs = 5,
  kIndex = 6
};
[[nodiscard]] std::string_view part_name(ScrubPart part) noexcept;

struct ScrubPosition {
  int64_t started_ms = 0;           // of the pass under way; 0: none is
  int64_t finished_ms = 0;          // of the last whole pass
  int64_t finished_started_ms = 0;  // when that one had begun
  uint64_t finished_bytes = 0;      // what it read
  bool hurried = false;             // somebody wants it now: it is not spread over the period
  ScrubPart part = ScrubPart::kNone;
  std::string next;  // the first key of the part that has not been verified
  uint64_t bytes = 0;
  uint64_t findings = 0;
};
[[nodiscard]] std::string encode_position(drive::RecordSeed seed, const ScrubPosition& position);
[[nodiscard]] Result<ScrubPosition> decode_position(drive::RecordSeed seed,
                                                    std::string_view record);
// The drive's, or nothing when it has none that is good.
[[nodiscard]] std::optional<ScrubPosition> read_position(const drive::Drive& drive);

// Keys [from, end) of a part were verified on this drive.
struct VerifiedRange {
  ScrubPart part = ScrubPart::kRows;  // kRows or kBlobs
  std::string from;
  std::string end;
  bool to_last = false;    // instead of end: to the last key
  int64_t started_ms = 0;  // the first of them was read after this
  int64_t ended_ms = 0;    // the last of them before this
  uint64_t sequence = 0;   // every change up to this one was there
};
// Puts the range, replacing what it covers, into the batch.
void put_range(drive::Batch& batch, const drive::Drive& drive, const VerifiedRange& range);
// The range that holds the key, if it was ever verified.
[[nodiscard]] std::optional<VerifiedRange> find_range(const drive::Drive& drive, ScrubPart part,
                                                      std::string_view key);

inline constexpr std::string_view kScrubPositionName = "scrub";
// What the names of ranges begin with; the part's letter and the range's end follow.
inline constexpr std::string_view kScrubRangeHead = "scrub/";

}  // namespace strata::replica
