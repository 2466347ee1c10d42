// Where snapshots may be kept: a bucket of the own object half, or of another S3 endpoint.
#pragma once

#include "blockdev/snapshot/service.h"
#include "strata/loop_threads.h"
#include "strata/object_half.h"

namespace strata::roof {

// "own", "s3://BUCKET[/PREFIX]": a bucket of the own object half; with "?endpoint=URL" one
// elsewhere, with the keys that s3_place.h finds. kInvalidArgument for another name. All outlive
// what it makes.
[[nodiscard]] snapshot::SnapshotService::MakePlace snapshot_places(ObjectHalf& objects,
                                                                   LoopThreads& loops,
                                                                   const io::Clock& clock,
                                                                   std::string region);

}  // namespace strata::roof
