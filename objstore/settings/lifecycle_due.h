// What a lifecycle configuration makes due for one version of an object, and when.
//
// A day is handed in: 24 hours as on AWS, or less, so that days can be tried out in seconds.
// Counted times are rounded up to the next start of a day (midnight UTC), as S3 does. Where several
// rules speak, deleting wins over keeping, and the earlier over the later. Thread rule: any thread.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "objstore/settings/lifecycle.h"

namespace strata::settings {

using DayLength = std::chrono::milliseconds;
inline constexpr DayLength kRealDay = std::chrono::hours(24);

// Objects smaller than this change their storage class only under a rule that filters by size.
inline constexpr uint64_t kTransitionBytesMin = 128 * kKiB;

// One version as the rules see it.
struct VersionFacts {
  std::string_view key;
  uint64_t size_bytes = 0;
  Time modified{};
  std::span<const Tag> tags;
  std::string_view storage_class;  // empty: STANDARD
  bool current = true;
  bool delete_marker = false;
  bool only_version = false;             // of its key: nothing noncurrent lies behind it
  Time noncurrent_since{};               // of a noncurrent version: when its successor was made
  size_t newer_noncurrent_versions = 0;  // of a noncurrent version: how many are newer than it
};

enum class DueAction {
  kNothing,
  kExpire,        // the current version: deleted, or hidden by a delete marker
  kRemoveMarker,  // a delete marker with nothing behind it
  kDelete,        // a noncurrent version, for good
  kTransition,    // to another storage class
};

struct Due {
  DueAction action = DueAction::kNothing;
  std::string_view storage_class{};  // of kTransition
  std::string_view rule_id{};
};

// Views point into the configuration.
[[nodiscard]] Due due_now(const LifecycleConfiguration& configuration, const VersionFacts& version,
                          Time now, DayLength day);

// When the current version expires, and by which rule: x-amz-expiration.
struct Expiry {
  Time when{};
  std::string_view rule_id;
};
[[nodiscard]] std::optional<Expiry> expiry_of(const LifecycleConfiguration& configuration,
                                              const VersionFacts& version, DayLength day);
// expiry-date="Fri, 23 Dec 2012 00:00:00 GMT", rule-id="..."
[[nodiscard]] std::string expiration_header(const Expiry& expiry);

// When an upload of this key, begun then, is to be aborted; nullopt: never.
[[nodiscard]] std::optional<Expiry> upload_abort_of(const LifecycleConfiguration& configuration,
                                                    std::string_view key, Time started,
                                                    DayLength day);

}  // namespace strata::settings
