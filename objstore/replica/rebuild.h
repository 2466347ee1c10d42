// Rebuilding: a drive whose index files are damaged gets a new, empty index and is filled from the
// other drives, when these can be relied on without it.
//
// Thread rule: one thread, before any drive takes changes.
#pragma once

#include "objstore/replica/membership.h"

namespace strata::replica {

// For drives that bear the mark of Drive::note_index_damage. With too few good ones beside it, a
// marked drive stays as it is: what can still be read of it may be all there is. A drive that
// cannot be rebuilt is left missing, with the reason as its state.
void rebuild_damaged(const ReplicaSetOptions& options, Members& members, drive::IndexCache& cache);

}  // namespace strata::replica
