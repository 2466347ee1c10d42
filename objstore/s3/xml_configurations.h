// The XML documents that set something of a bucket or an object, as plain data. MalformedXML for
// what the published schema does not have.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/object/object_store.h"

namespace strata::s3 {

// CreateBucketConfiguration.
struct NewBucket {
  std::string location;  // empty when it names none
  object::Tags tags;     // unjudged
};
// MalformedXML, or NotImplemented for what else it can hold (directory buckets).
[[nodiscard]] Result<NewBucket> parse_create_bucket(std::string_view xml);

// kEnabled or kSuspended. IllegalVersioningConfigurationException without a status; NotImplemented
// for MFA delete.
[[nodiscard]] Result<object::Versioning> parse_versioning(std::string_view xml);

[[nodiscard]] std::string render_tagging(const object::Tags& tags);

// The tags as they are; what may be a tag is checked by whoever keeps them.
[[nodiscard]] Result<object::Tags> parse_tagging(std::string_view xml);

[[nodiscard]] Result<object::LockConfiguration> parse_object_lock(std::string_view xml);
// Absent: an empty document, which removes the retention.
[[nodiscard]] Result<std::optional<object::Retention>> parse_retention(std::string_view xml);
// Whether the hold is on.
[[nodiscard]] Result<bool> parse_legal_hold(std::string_view xml);

}  // namespace strata::s3
