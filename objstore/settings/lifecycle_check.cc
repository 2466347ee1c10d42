// What S3 demands of a lifecycle configuration beyond its schema, in S3's words.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "objstore/settings/lifecycle.h"

namespace strata::settings {
namespace {

constexpr std::string_view kTransitionClasses[] = {
    "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
};
// The classes for infrequent access take objects from this age on.
constexpr int64_t kInfrequentDaysMin = 30;

bool is_transition_class(std::string_view name) {
  return std::find(std::begin(kTransitionClasses), std::end(kTransitionClasses), name) !=
         std::end(kTransitionClasses);
}

bool is_midnight(Time time) {
  return time == std::chrono::floor<std::chrono::days>(time);
}

Status check_positive(const std::optional<int64_t>& days, std::string_view name,
                      std::string_view action) {
  if (!days || *days > 0) return {};
  return invalid_argument(
      fmt::format("'{}' for {} action must be a positive integer", name, action));
}

Status check_newer(const std::optional<int64_t>& versions, std::string_view action) {
  if (!versions || (*versions >= 1 && *versions <= kNewerVersionsMax)) return {};
  return invalid_argument(fmt::format(
      "'NewerNoncurrentVersions' for {} action must be a positive integer of at most {}", action,
      kNewerVersionsMax));
}

Status check_class(std::string_view storage_class, int64_t days, std::string_view name,
                   std::string_view action) {
  if (!is_transition_class(storage_class)) return malformed();
  if (days < 0) {
    return invalid_argument(fmt::format("'{}' in {} action must be nonnegative", name, action));
  }
  const bool infrequent = storage_class == "STANDARD_IA" || storage_class == "ONEZONE_IA";
  if (infrequent && days < kInfrequentDaysMin) {
    return invalid_argument(
        fmt::format("'{}' in {} action must be greater than or equal to {} for storageClass '{}'",
                    name, action, kInfrequentDaysMin, storage_class));
  }
  return {};
}

Status check_date(const std::optional<Time>& date) {
  if (!date || is_midnight(*date)) return {};
  return invalid_argument("'Date' must be at midnight GMT");
}

Error mixed_times(const LifecycleRule& rule) {
  return invalid_request(
      fmt::format("Found mixed 'Date' and 'Days' based Expiration and Transition actions in "
                  "lifecycle rule for filter '(prefix={})'",
                  rule.prefix()));
}

// Each class once: which of two days would count, nobody could say.
template <typename Action>
Status check_classes_differ(const std::vector<Action>& actions, std::string_view name) {
  std::set<std::string_view> classes;
  for (const Action& action : actions) {
    if (classes.insert(action.storage_class).second) continue;
    return invalid_request(
        fmt::format("'StorageClass' must be different for '{}' actions in same 'Rule'", name));
  }
  return {};
}

Status check_transitions(const LifecycleRule& rule) {
  TRY(check_classes_differ(rule.transitions, "Transition"));
  TRY(check_classes_differ(rule.noncurrent_transitions, "NoncurrentVersionTransition"));
  for (const Transition& transition : rule.transitions) {
    if (transition.date.has_value() != rule.transitions.front().date.has_value()) {
      return mixed_times(rule);
    }
    TRY(check_date(transition.date));
    TRY(check_class(transition.storage_class, transition.days.value_or(kInfrequentDaysMin), "Days",
                    "Transition"));
    if (!rule.expiration) continue;
    const bool dates = transition.date.has_value();
    if ((dates && rule.expiration->days) || (!dates && rule.expiration->date)) {
      return mixed_times(rule);
    }
    const bool late_days = rule.expiration->days && *rule.expiration->days <= *transition.days;
    const bool late_date = rule.expiration->date && *rule.expiration->date <= *transition.date;
    if (late_days || late_date) {
      const std::string_view unit = late_days ? "Days" : "Date";
      return invalid_argument(fmt::format(
          "'{}' in the Expiration action for filter '(prefix={})' must be greater than '{}' in "
          "the Transition action",
          unit, rule.prefix(), unit));
    }
  }
  for (const NoncurrentTransition& transition : rule.noncurrent_transitions) {
    TRY(check_class(transition.storage_class, transition.days, "NoncurrentDays",
                    "NoncurrentVersionTransition"));
    TRY(check_newer(transition.newer_versions, "NoncurrentVersionTransition"));
  }
  return {};
}

// Actions about what has neither tags nor a size.
Status check_filter(const LifecycleRule& rule) {
  const LifecycleFilter& filter = rule.filter;
  if (rule.prefix().size() > kLifecyclePrefixBytesMax) {
    return invalid_request("The maximum size of a prefix is 1024");
  }
  if (filter.size_above_bytes && filter.size_below_bytes &&
      *filter.size_above_bytes >= *filter.size_below_bytes) {
    return invalid_request(
        "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
  }
  const bool sized = filter.size_above_bytes || filter.size_below_bytes;
  if (rule.abort_uploads_days && !filter.tags.empty()) {
    return invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags.");
  }
  if (rule.abort_uploads_days && sized) {
    return invalid_request("AbortIncompleteMultipartUpload cannot be specified with Object Size.");
  }
  const bool markers = rule.expiration && rule.expiration->expired_delete_marker;
  if (markers && !filter.tags.empty()) {
    return invalid_request("ExpiredObjectDeleteMarker cannot be specified with Tags.");
  }
  if (markers && sized) {
    return invalid_request("ExpiredObjectDeleteMarker cannot be specified with Object Size.");
  }
  return {};
}

Status check_rule(const LifecycleRule& rule) {
  if (rule.id.size() > kRuleIdBytesMax) {
    return invalid_argument("ID length should not exceed allowed limit of 255");
  }
  if (!rule.expiration && rule.transitions.empty() && !rule.noncurrent_expiration &&
      rule.noncurrent_transitions.empty() && !rule.abort_uploads_days) {
    return invalid_request("At least one action needs to be specified in a rule");
  }
  if (rule.expiration) {
    TRY(check_positive(rule.expiration->days, "Days", "Expiration"));
    TRY(check_date(rule.expiration->date));
  }
  TRY(check_transitions(rule));
  if (rule.noncurrent_expiration) {
    constexpr std::string_view kAction = "NoncurrentVersionExpiration";
    TRY(check_positive(rule.noncurrent_expiration->days, "NoncurrentDays", kAction));
    TRY(check_newer(rule.noncurrent_expiration->newer_versions, kAction));
  }
  TRY(check_positive(rule.abort_uploads_days, "DaysAfterInitiation",
                     "AbortIncompleteMultipartUpload"));
  return check_filter(rule);
}

}  // namespace

Status check_lifecycle(const LifecycleConfiguration& configuration) {
  std::set<std::string_view> ids;
  for (const LifecycleRule& rule : configuration.rules) {
    if (!ids.insert(rule.id).second) {
      return invalid_argument("Rule ID must be unique. Found same ID for more than one rule");
    }
    TRY(check_rule(rule));
  }
  return {};
}

}  // namespace strata::settings
