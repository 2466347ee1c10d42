// What a new bucket begins with, before anybody set anything.
//
// Source: Amazon S3 user guide, "Default settings for new S3 buckets FAQ" (April 2023).
#pragma once

#include "objstore/object/bucket_settings.h"

namespace strata::s3 {

// kClosed: as on AWS since April 2023, ownership enforced and all public access blocked. kOpen: as
// on AWS before, access control lists count and nothing is blocked: for programs of that time.
enum class NewBuckets : bool { kClosed, kOpen };

// What a bucket of this kind is created with, kept with it for good.
[[nodiscard]] object::BucketSettings settings_of_new(NewBuckets kind);

}  // namespace strata::s3
