// What requests with a wrong or missing signature are told, whichever way they were signed.
#pragma once

#include "common/base/result.h"

namespace strata::s3 {

[[nodiscard]] Error one_mechanism_only();
[[nodiscard]] Error signature_does_not_match();
[[nodiscard]] Error version2_not_supported();
[[nodiscard]] Error no_date();
// A body with signed chunks under a request without a Version 4 signature.
[[nodiscard]] Error no_signature_to_continue();

}  // namespace strata::s3
