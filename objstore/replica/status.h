// The state of every drive, for people and programs.
#pragma once

#include "objstore/replica/core.h"
#include "objstore/replica/resync.h"
#include "objstore/replica/store.h"

namespace strata::replica {

// From any thread; may ask file systems for their free space.
[[nodiscard]] StoreStatus status_of(const Core& core, const Resync& resync);

}  // namespace strata::replica
