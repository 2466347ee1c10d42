// Scanning rows over drives that each hold a part of them.
//
// Thread rule: any thread that may block.
#pragma once

#include "objstore/replica/core.h"
#include "objstore/replica/store.h"

namespace strata::replica {

// Any N - R + 1 of N drives hold every row between them. Rows in order, each once, the newest.
[[nodiscard]] Result<std::vector<Row>> merged_scan(Core& core, const ScanRequest& request);

}  // namespace strata::replica
