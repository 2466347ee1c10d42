// Conditions of a request against the current version: RFC 9110, section 13.
#pragma once

#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "objstore/object/types.h"

namespace strata::object {

// What a version is compared by.
struct Validators {
  std::string_view etag;  // without quotes
  WallTime modified{};
  uint64_t size_bytes = 0;
};

// Whether a list of entity tags as sent, or "*", names this etag. Tags may lack their quotes. Weak
// tags (W/"...") count only where `weak_counts`: the strong comparison never equals them.
[[nodiscard]] bool etag_list_matches(std::string_view list, std::string_view etag,
                                     bool weak_counts) noexcept;

// For a read of an existing version, in the order of section 13.2.2: If-Match, or else
// If-Unmodified-Since, fails with kPreconditionFailed; then If-None-Match, or else
// If-Modified-Since, with kNotModified. Dates compare in whole seconds, as they were sent.
[[nodiscard]] Status check_read_conditions(const Conditions& conditions, const Validators& current);

[[nodiscard]] bool if_range_holds(const IfRange& condition, const Validators& current) noexcept;

// Of a read for a copy, which never answers "not modified": S3 has 412 for all source conditions.
[[nodiscard]] Error as_source_error(Error error);

// For a write over the current version, or over none, or for its removal: whatever does not hold is
// kPreconditionFailed.
[[nodiscard]] Status check_write_conditions(const Conditions& conditions,
                                            const std::optional<Validators>& current);

}  // namespace strata::object
