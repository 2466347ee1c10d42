// OwnPlace: snapshots in a bucket of this program's own object half, so that they are as durable as
// its objects and can be looked at with any S3 client.
//
// Thread rule: from any thread that is none of the loops'; calls block.
#pragma once

#include <memory>
#include <string>

#include "blockdev/chunks/object_place.h"
#include "strata/loop_threads.h"

namespace strata::object {
class ObjectStore;
}  // namespace strata::object

namespace strata::roof {

inline constexpr const char* kSnapshotBucket = "strata-snapshots";

// In the bucket, below the prefix ("" or "team/"). The bucket is made when something is first
// stored. objects and loops outlive it.
[[nodiscard]] std::unique_ptr<chunks::ObjectPlace> make_own_place(object::ObjectStore& objects,
                                                                  LoopThreads& loops,
                                                                  std::string bucket,
                                                                  std::string prefix,
                                                                  std::string region);

}  // namespace strata::roof
