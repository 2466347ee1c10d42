#include "objstore/settings/lifecycle_due.h"

#include <algorithm>

#include "common/codec/text.h"

namespace strata::settings {
namespace {

// `days` after `from`, rounded up to the next start of a day. A time that is a start already stays.
Time after_days(Time from, int64_t days, DayLength day) {
  const DayLength since = from.time_since_epoch() + day * days;
  const int64_t whole = (since.count() + day.count() - 1) / day.count();
  return Time(day * whole);
}

bool has_tag(std::span<const Tag> tags, const Tag& wanted) {
  return std::find(tags.begin(), tags.end(), wanted) != tags.end();
}

bool rule_fits(const LifecycleRule& rule, const VersionFacts& version) {
  if (!rule.enabled || !version.key.starts_with(rule.prefix())) return false;
  const LifecycleFilter& filter = rule.filter;
  if (filter.size_above_bytes && version.size_bytes <= *filter.size_above_bytes) return false;
  if (filter.size_below_bytes && version.size_bytes >= *filter.size_below_bytes) return false;
  return std::all_of(filter.tags.begin(), filter.tags.end(),
                     [&version](const Tag& tag) { return has_tag(version.tags, tag); });
}

std::optional<Time> expiration_time(const LifecycleRule& rule, const VersionFacts& version,
                                    DayLength day) {
  if (!rule.expiration) return std::nullopt;
  if (rule.expiration->date) return rule.expiration->date;
  if (rule.expiration->days) return after_days(version.modified, *rule.expiration->days, day);
  return std::nullopt;
}

// From warm to cold: objects move this way only.
int temperature(std::string_view storage_class) {
  constexpr std::string_view kOrder[] = {
      "",           "STANDARD",   "STANDARD_IA", "INTELLIGENT_TIERING",
      "ONEZONE_IA", "GLACIER_IR", "GLACIER",     "DEEP_ARCHIVE"};
  const auto* const at = std::find(std::begin(kOrder), std::end(kOrder), storage_class);
  return static_cast<int>(at - std::begin(kOrder));
}

bool may_transition(const LifecycleRule& rule, const VersionFacts& version,
                    std::string_view storage_class) {
  const bool sized = rule.filter.size_above_bytes || rule.filter.size_below_bytes;
  if (version.size_bytes < kTransitionBytesMin && !sized) return false;
  if (version.storage_class == "REDUCED_REDUNDANCY") return true;
  return temperature(version.storage_class) < temperature(storage_class);
}

// The coldest of those that are due.
void prefer(Due& due, std::string_view storage_class, const LifecycleRule& rule) {
  if (due.action == DueAction::kTransition &&
      temperature(due.storage_class) >= temperature(storage_class)) {
    return;
  }
  due = {DueAction::kTransition, storage_class, rule.id};
}

void current_due(const LifecycleRule& rule, const VersionFacts& version, Time now, DayLength day,
                 Due& due) {
  if (version.delete_marker) {
    if (!version.only_version || !rule.expiration) return;
    const bool asked = rule.expiration->expired_delete_marker.value_or(false);
    // A rule that expires objects by age removes the markers that age leaves, too.
    const std::optional<Time> when = expiration_time(rule, version, day);
    if (asked || (rule.expiration->days && *when <= now)) {
      due = {DueAction::kRemoveMarker, {}, rule.id};
    }
    return;
  }
  const std::optional<Time> when = expiration_time(rule, version, day);
  if (when && *when <= now) {
    due = {DueAction::kExpire, {}, rule.id};
    return;
  }
  for (const Transition& transition : rule.transitions) {
    if (!may_transition(rule, version, transition.storage_class)) continue;
    const Time at =
        transition.date ? *transition.date : after_days(version.modified, *transition.days, day);
    if (at <= now) prefer(due, transition.storage_class, rule);
  }
}

bool noncurrent_is_due(int64_t days, const std::optional<int64_t>& newer_versions,
                       const VersionFacts& version, Time now, DayLength day) {
  if (newer_versions && version.newer_noncurrent_versions < static_cast<size_t>(*newer_versions)) {
    return false;
  }
  return after_days(version.noncurrent_since, days, day) <= now;
}

void noncurrent_due(const LifecycleRule& rule, const VersionFacts& version, Time now, DayLength day,
                    Due& due) {
  if (rule.noncurrent_expiration &&
      noncurrent_is_due(rule.noncurrent_expiration->days,
                        rule.noncurrent_expiration->newer_versions, version, now, day)) {
    due = {DueAction::kDelete, {}, rule.id};
    return;
  }
  if (version.delete_marker) return;
  for (const NoncurrentTransition& transition : rule.noncurrent_transitions) {
    if (!may_transition(rule, version, transition.storage_class)) continue;
    if (noncurrent_is_due(transition.days, transition.newer_versions, version, now, day)) {
      prefer(due, transition.storage_class, rule);
    }
  }
}

}  // namespace

Due due_now(const LifecycleConfiguration& configuration, const VersionFacts& version, Time now,
            DayLength day) {
  Due due;
  for (const LifecycleRule& rule : configuration.rules) {
    if (!rule_fits(rule, version)) continue;
    if (version.current) {
      current_due(rule, version, now, day, due);
    } else {
      noncurrent_due(rule, version, now, day, due);
    }
    if (due.action != DueAction::kNothing && due.action != DueAction::kTransition) return due;
  }
  return due;
}

std::optional<Expiry> expiry_of(const LifecycleConfiguration& configuration,
                                const VersionFacts& version, DayLength day) {
  std::optional<Expiry> soonest;
  if (!version.current || version.delete_marker) return soonest;
  for (const LifecycleRule& rule : configuration.rules) {
    if (!rule_fits(rule, version)) continue;
    const std::optional<Time> when = expiration_time(rule, version, day);
    if (when && (!soonest || *when < soonest->when)) soonest = Expiry{*when, rule.id};
  }
  return soonest;
}

std::string expiration_header(const Expiry& expiry) {
  return "expiry-date=\"" + codec::format_http_date(expiry.when) + "\", rule-id=\"" +
         codec::uri_encode(expiry.rule_id, true) + "\"";
}

std::optional<Expiry> upload_abort_of(const LifecycleConfiguration& configuration,
                                      std::string_view key, Time started, DayLength day) {
  std::optional<Expiry> soonest;
  for (const LifecycleRule& rule : configuration.rules) {
    if (!rule.enabled || !rule.abort_uploads_days || !key.starts_with(rule.prefix())) continue;
    const Time when = after_days(started, *rule.abort_uploads_days, day);
    if (!soonest || when < soonest->when) soonest = Expiry{when, rule.id};
  }
  return soonest;
}

}  // namespace strata::settings
