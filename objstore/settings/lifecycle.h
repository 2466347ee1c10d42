// Lifecycle: what happens to the objects of a bucket as they grow old.
//
// Source: Amazon S3 user guide, "Lifecycle configuration elements", and
// PutBucketLifecycleConfiguration. Thread rule: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/codec/http_date.h"
#include "objstore/settings/document.h"

namespace strata::settings {

using codec::Time;

inline constexpr size_t kLifecycleRulesMax = 1000;
inline constexpr size_t kLifecycleXmlBytesMax = 1 * kMiB;
inline constexpr size_t kLifecyclePrefixBytesMax = 1024;
inline constexpr size_t kLifecycleTagsMax = 10;
inline constexpr size_t kTagKeyBytesMax = 128UL * 4;  // 128 characters
inline constexpr size_t kTagValueBytesMax = 256UL * 4;
inline constexpr int64_t kNewerVersionsMax = 100;

using Tag = std::pair<std::string, std::string>;

// Which objects a rule is about: all conditions must hold; none means every object.
struct LifecycleFilter {
  std::optional<std::string> prefix;
  std::vector<Tag> tags;
  std::optional<uint64_t> size_above_bytes;
  std::optional<uint64_t> size_below_bytes;
  bool combined = false;  // written with And
};

struct Expiration {
  std::optional<int64_t> days;
  std::optional<Time> date;
  std::optional<bool> expired_delete_marker;
};

struct Transition {
  std::optional<int64_t> days;
  std::optional<Time> date;
  std::string storage_class;
};

struct NoncurrentExpiration {
  int64_t days = 0;
  std::optional<int64_t> newer_versions;  // so many noncurrent ones are kept
};

struct NoncurrentTransition {
  int64_t days = 0;
  std::optional<int64_t> newer_versions;
  std::string storage_class;
};

struct LifecycleRule {
  std::string id;  // never empty once parsed
  bool enabled = false;
  std::optional<std::string> legacy_prefix;  // the Prefix of rules without a Filter
  LifecycleFilter filter;                    // of the rule with a Filter
  std::optional<Expiration> expiration;
  std::vector<Transition> transitions;
  std::optional<NoncurrentExpiration> noncurrent_expiration;
  std::vector<NoncurrentTransition> noncurrent_transitions;
  std::optional<int64_t> abort_uploads_days;

  [[nodiscard]] std::string_view prefix() const noexcept {
    if (legacy_prefix) return *legacy_prefix;
    return filter.prefix ? std::string_view(*filter.prefix) : std::string_view();
  }
};

struct LifecycleConfiguration {
  std::vector<LifecycleRule> rules;  // 1 to kLifecycleRulesMax
};

// A rule without an ID is given one made from `id_seed` and its place, so that it can be named.
[[nodiscard]] Result<LifecycleConfiguration> parse_lifecycle(std::string_view xml,
                                                             uint64_t id_seed);
[[nodiscard]] std::string render_lifecycle(const LifecycleConfiguration& configuration);

// What S3 demands of a document that is well-formed: unique ids, positive days, midnights, actions
// that go together. Called by parse_lifecycle.
[[nodiscard]] Status check_lifecycle(const LifecycleConfiguration& configuration);

}  // namespace strata::settings
