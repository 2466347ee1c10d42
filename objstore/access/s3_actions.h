// The actions of S3 that a bucket policy may name, and what each is done to.
//
// Source: service authorization reference, "Actions, resources, and condition keys for Amazon S3".
#pragma once

#include <string_view>

#include "objstore/access/pattern.h"

namespace strata::access {

// What of S3's actions a pattern covers.
struct ActionCover {
  bool bucket = false;  // some that are done to a bucket
  bool object = false;  // some that are done to an object
  [[nodiscard]] bool nothing() const noexcept { return !bucket && !object; }
};
[[nodiscard]] ActionCover cover_of(const Pattern& action);

}  // namespace strata::access
