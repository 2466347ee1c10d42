// What an operation asks access for besides its own action on its own resource.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {

// AccessDenied unless the caller may do that to the object.
[[nodiscard]] Status require(const Call& call, std::string_view action, std::string_view bucket,
                             std::string_view key);
[[nodiscard]] bool may(const Call& call, std::string_view action, std::string_view bucket,
                       std::string_view key);

}  // namespace strata::s3
