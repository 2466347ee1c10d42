// Whether a bucket keeps old versions: what its versioning document says.
#pragma once

#include <cstdint>
#include <string_view>

#include "objstore/object/types.h"

namespace strata::object {

// kNever: each key has one version, called "null". kEnabled: every change adds one. kSuspended:
// changes replace the version "null" and leave the others alone.
enum class Versioning : uint8_t { kNever, kEnabled, kSuspended };

// A document that cannot be understood counts as kEnabled: nothing is overwritten then.
[[nodiscard]] Versioning versioning_of(const BucketInfo& bucket) noexcept;
// kEnabled or kSuspended.
[[nodiscard]] std::string_view versioning_document(Versioning versioning) noexcept;

}  // namespace strata::object
