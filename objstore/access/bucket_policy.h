// What makes a policy a bucket's: it speaks of that bucket, of S3's actions and of principals. And
// whether it opens the bucket to the public.
//
// Source: Amazon S3 user guide, "Bucket policies" and "The meaning of public". Thread rule: pure.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "objstore/access/policy.h"

namespace strata::access {

// kInvalidArgument/kMalformedPolicy with S3's sentence for what it does not take.
[[nodiscard]] Result<Policy> parse_bucket_policy(std::string_view text, std::string_view bucket);

// Whether some statement allows something to everyone without a condition that pins down who or
// from where: fixed values, networks of at least /8 (IPv4) or /32 (IPv6).
[[nodiscard]] bool is_public(const Policy& policy);

}  // namespace strata::access
