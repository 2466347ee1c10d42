// Which tags an object or a bucket may carry. Source: Amazon S3 user guide, "Categorizing your
// objects using tags".
#pragma once

#include "common/base/result.h"
#include "objstore/object/types.h"

namespace strata::object {

// A character of UTF-8 has at most four bytes.
inline constexpr size_t kTagKeyBytesMax = 4 * kTagKeyCharactersMax;
inline constexpr size_t kTagValueBytesMax = 4 * kTagValueCharactersMax;

// At most tags_max, no key twice, of letters, digits, spaces and + - = . _ : / @, keys of 1 to 128
// characters that do not begin with "aws:", values of at most 256. kInvalidArgument/invalid_tag,
// kTooLarge for too many.
[[nodiscard]] Status check_tags(const Tags& tags, size_t tags_max);

}  // namespace strata::object
