// Object lock: versions that may not be removed before a date, or while a hold lasts. Rules without
// I/O. Source: Amazon S3 user guide, "Locking objects with Object Lock".
//
// What cannot be understood protects: an unreadable configuration refuses writes, an unreadable
// record cannot be removed.
#pragma once

#include <optional>

#include "common/base/result.h"
#include "objstore/object/lock_configuration.h"
#include "objstore/object/record_format.h"
#include "objstore/object/types.h"

namespace strata::object {

// A configuration that may be set: kInvalidArgument/invalid_lock_request for one with days and
// years or out of bounds; kConflict/invalid_bucket_state where versions are not kept.
[[nodiscard]] Status check_lock_configuration(const BucketInfo& bucket,
                                              const LockConfiguration& configuration);

// What a request asks of a new version: kInvalidArgument/bucket_without_object_lock where the
// bucket has none, kInvalidArgument for a date that has passed.
[[nodiscard]] Status check_lock_request(const BucketInfo& bucket, WallTime now,
                                        const Extras& extras);
// The same, and gives the version the bucket's default retention if it has none of its own.
[[nodiscard]] Status apply_lock(const BucketInfo& bucket, WallTime now, Extras& extras);

// kPermissionDenied/object_locked for a version that is held or retained. bypass: of governance.
[[nodiscard]] Status check_removable(const ObjectRecord& record, WallTime now, bool bypass);

// A version's retention replaced by another one, or by none: it may be extended, but not shortened,
// removed or given another mode; under governance the bypass may do that too.
// kPermissionDenied/object_locked.
[[nodiscard]] Status check_retention_change(const std::optional<Retention>& before,
                                            const std::optional<Retention>& after, WallTime now,
                                            bool bypass);

}  // namespace strata::object
