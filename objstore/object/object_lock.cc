#include "objstore/object/object_lock.h"

#include <fmt/format.h>

#include "common/base/parse.h"
#include "objstore/object/versioning.h"

namespace strata::object {
namespace {

constexpr std::string_view kNoDefault = "enabled";
constexpr std::string_view kGovernance = "governance";
constexpr std::string_view kCompliance = "compliance";
constexpr std::string_view kDays = "days";
constexpr std::string_view kYears = "years";

Error locked(std::string_view why) {
  return {Code::kPermissionDenied, reason::kLocked,
          fmt::format("Access Denied because object protected by object lock: {}", why)};
}

Error no_lock() {
  return {Code::kInvalidArgument, reason::kBucketNotLockable,
          "Bucket is missing Object Lock Configuration"};
}

std::string_view next_word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool in_bounds(const DefaultRetention& retention) {
  if ((retention.days == 0) == (retention.years == 0)) return false;
  return retention.days <= kRetentionDaysMax && retention.years <= kRetentionYearsMax;
}

std::optional<DefaultRetention> parse_default(std::string_view line) {
  DefaultRetention retention;
  const std::string_view mode = next_word(line);
  const auto number = parse_u64(next_word(line));
  const std::string_view unit = next_word(line);
  if (mode != kGovernance && mode != kCompliance) return std::nullopt;
  if (!number || *number > kRetentionDaysMax || !line.empty()) return std::nullopt;
  if (unit != kDays && unit != kYears) return std::nullopt;
  retention.mode = mode == kGovernance ? RetentionMode::kGovernance : RetentionMode::kCompliance;
  (unit == kDays ? retention.days : retention.years) = static_cast<uint32_t>(*number);
  if (!in_bounds(retention)) return std::nullopt;
  return retention;
}

WallTime end_of(const DefaultRetention& retention, WallTime now) {
  constexpr uint32_t kDaysOfYear = 365;
  const uint32_t days = retention.days + retention.years * kDaysOfYear;
  return now + std::chrono::days(days);
}

}  // namespace

std::string lock_document(const LockConfiguration& configuration) {
  const std::optional<DefaultRetention>& retention = configuration.default_retention;
  if (!retention) return std::string(kNoDefault);
  const bool governance = retention->mode == RetentionMode::kGovernance;
  return fmt::format("{} {} {}", governance ? kGovernance : kCompliance,
                     retention->days + retention->years, retention->days > 0 ? kDays : kYears);
}

Result<std::optional<LockConfiguration>> lock_of(const BucketInfo& bucket) {
  const std::string* document = bucket.settings->find(BucketSetting::kObjectLock);
  if (document == nullptr) return std::optional<LockConfiguration>();
  LockConfiguration configuration;
  if (*document == kNoDefault) return std::optional(configuration);
  configuration.default_retention = parse_default(*document);
  if (!configuration.default_retention) {
    return Error(Code::kCorrupt, fmt::format("the object lock configuration of the bucket {} "
                                             "cannot be understood; nothing is written to it",
                                             bucket.name));
  }
  return std::optional(configuration);
}

Status check_lock_configuration(const BucketInfo& bucket, const LockConfiguration& configuration) {
  if (configuration.default_retention && !in_bounds(*configuration.default_retention)) {
    return Error(Code::kInvalidArgument, reason::kInvalidLockRequest,
                 fmt::format("a default retention has 1 to {} days or 1 to {} years",
                             kRetentionDaysMax, kRetentionYearsMax));
  }
  if (versioning_of(bucket) != Versioning::kEnabled) {
    return Error(Code::kConflict, reason::kInvalidBucketState,
                 "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
  }
  return {};
}

Status check_lock_request(const BucketInfo& bucket, WallTime now, const Extras& extras) {
  if (!extras.retention && !extras.legal_hold) return {};
  TRY_ASSIGN(const std::optional<LockConfiguration> lock, lock_of(bucket));
  if (!lock) return no_lock();
  if (extras.retention && extras.retention->until <= now) {
    return Error(Code::kInvalidArgument, "The retain until date must be in the future!");
  }
  return {};
}

Status apply_lock(const BucketInfo& bucket, WallTime now, Extras& extras) {
  TRY(check_lock_request(bucket, now, extras));
  if (extras.retention) return {};
  TRY_ASSIGN(const std::optional<LockConfiguration> lock, lock_of(bucket));
  if (!lock || !lock->default_retention) return {};
  extras.retention =
      Retention{lock->default_retention->mode, end_of(*lock->default_retention, now)};
  return {};
}

Status check_removable(const ObjectRecord& record, WallTime now, bool bypass) {
  if (record.extras.legal_hold.value_or(false)) return locked("it has a legal hold");
  const std::optional<Retention>& retention = record.extras.retention;
  if (!retention || retention->until <= now) return {};
  if (retention->mode == RetentionMode::kGovernance && bypass) return {};
  return locked("its retention period has not ended");
}

Status check_retention_change(const std::optional<Retention>& before,
                              const std::optional<Retention>& after, WallTime now, bool bypass) {
  if (after && after->until <= now) {
    return Error(Code::kInvalidArgument, "The retain until date must be in the future!");
  }
  if (!before || before->until <= now) return {};
  if (after && after->mode == before->mode && after->until >= before->until) return {};
  if (before->mode == RetentionMode::kGovernance && bypass) return {};
  return locked("its retention can be extended only");
}

}  // namespace strata::object
