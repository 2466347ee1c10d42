// The XML documents that say who may do what with a bucket. MalformedXML for what the published
// schema does not have.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "objstore/access/bucket_access.h"

namespace strata::s3 {

// What is left out is off.
[[nodiscard]] Result<access::PublicAccessBlock> parse_public_access_block(std::string_view xml);

// OwnershipControls with its one rule.
[[nodiscard]] Result<access::Ownership> parse_ownership_controls(std::string_view xml);

}  // namespace strata::s3
