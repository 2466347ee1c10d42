// x-amz-copy-source: the other object that a request names.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace strata::s3 {

struct CopySource {
  std::string bucket;
  std::string key;
};

// "bucket/key" or "/bucket/key", percent-encoded, with "?versionId=null" allowed behind it. Decoded
// once. kInvalidArgument otherwise; kUnsupported for access points and other versions.
[[nodiscard]] Result<CopySource> parse_copy_source(std::string_view field);

}  // namespace strata::s3
