// x-amz-copy-source: the other object that a request names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace strata::s3 {

struct CopySource {
  std::string bucket;
  std::string key;
  std::optional<std::string> version_id;
};

// "bucket/key" or "/bucket/key", percent-encoded, with "?versionId=ID" allowed behind it. Decoded
// once. kInvalidArgument otherwise; kUnsupported for access points.
[[nodiscard]] Result<CopySource> parse_copy_source(std::string_view field);

}  // namespace strata::s3
