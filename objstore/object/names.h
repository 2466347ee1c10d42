// Which text may be a name. The public checks are declared in object_store.h.
#pragma once

#include "common/base/result.h"
#include "objstore/object/types.h"

namespace strata::object {

// What one header-like attribute may weigh; all of them travel in one record.
inline constexpr size_t kAttributeBytesMax = 8 * kKiB;
inline constexpr size_t kUserMetadataEntriesMax = kUserMetadataBytesMax;  // each weighs a byte
inline constexpr size_t kRegionBytesMax = 64;
inline constexpr size_t kAccountBytesMax = 12;

// kTooLarge/metadata_too_large past kUserMetadataBytesMax of names and values together;
// kInvalidArgument for an attribute past kAttributeBytesMax or a nameless entry.
[[nodiscard]] Status check_attributes(const Attributes& attributes);

// Both names at once, as every request on an object starts.
[[nodiscard]] Status check_names(std::string_view bucket, std::string_view key);

}  // namespace strata::object
