// Scanning rows over drives that each hold a part of them.
//
// Thread rule: any thread that may block.
#pragma once

#include "objstore/replica/core.h"
#include "objstore/replica/store.h"

namespace strata::replica {

// Any N - R + 1 of N drives hold every row between them, any drive of a placement all rows of that.
// Rows in order, each once, the newest. kReasonTooFewDrives when too few are in service.
[[nodiscard]] Result<std::vector<Row>> merged_scan(Core& core, const ScanRequest& request);

}  // namespace strata::replica
