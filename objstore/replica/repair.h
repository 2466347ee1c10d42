// Repair: one record of one drive is written anew or removed on the drive's own writing thread, if
// nothing has changed it since it was judged.
//
// Thread rule: from a thread that may block; not a committer's.
#pragma once

#include <optional>
#include <string>

#include "common/base/deadline.h"
#include "objstore/replica/core.h"

namespace strata::replica {

// How long a repair waits for the drive's writing thread.
inline constexpr Duration kRepairWait = std::chrono::seconds(10);
// Log entries that a repair looks through for a change of its record; with more, it is given up and
// the next pass tries again.
inline constexpr size_t kRepairLogEntriesMax = 50'000;

// A record as it stands: its bytes, "" for none, or the text of the error that reading it gives.
[[nodiscard]] std::string raw_record(const drive::Drive& drive, drive::Table table,
                                     std::string_view key);

struct RecordRepair {
  size_t member = 0;
  drive::Table table = drive::Table::kRows;
  std::string key;
  std::string judged;                 // raw_record when it was judged
  std::optional<std::string> record;  // what it shall be; absent: it is removed
  // The record was judged when every change up to this sequence had ended; a later change of it in
  // the drive's log calls the repair off. 0: what `judged` says is enough.
  uint64_t judged_at = 0;
};
enum class Repaired { kDone, kCalledOff };
// kTimeout or kIo when the drive cannot do it.
[[nodiscard]] Result<Repaired> repair_record(Core& core, RecordRepair repair);

// The last change after `after` that names the row or blob, in the drive's log; 0 for none.
// kTooLarge past kRepairLogEntriesMax.
[[nodiscard]] Result<uint64_t> last_mention(const drive::Drive& drive, drive::Table table,
                                            std::string_view key, uint64_t after);

}  // namespace strata::replica
