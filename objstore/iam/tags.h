// Tags of users, roles, managed policies and sessions.
//
// Source: IAM user guide, "Tags for IAM resources", and "IAM and STS quotas".
#pragma once

#include <string_view>

#include "objstore/iam/api_call.h"

namespace strata::iam {

inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kTagKeyBytesMax = 128;
inline constexpr size_t kTagValueBytesMax = 256;

// The pairs of Tags.member.1.Key and .Value, Tags.member.2 ...; none where there are none.
// ValidationError for what cannot be a tag, InvalidInput for a key that comes twice (case does not
// count) or is reserved, LimitExceeded for more than kTagsMax.
[[nodiscard]] Result<Tags> stated_tags(const ApiCall& call);

// The same and their keys (those of TagKeys.member.1 ... too) as they stand, unjudged: for
// policies.
[[nodiscard]] Tags requested_tags(const Parameters& parameters);
[[nodiscard]] std::vector<std::string> requested_tag_keys(const Parameters& parameters);

// Adds them; a key that is there, in whatever case, gets the new value. LimitExceeded.
[[nodiscard]] Status add_tags(Tags& into, const Tags& more);

// Null if there is none of that key, in whatever case.
[[nodiscard]] const std::string* find_tag(const Tags& tags, std::string_view key);

// The element Tags; nothing where there are none.
void write_tags(codec::XmlWriter& xml, const Tags& tags);

}  // namespace strata::iam
