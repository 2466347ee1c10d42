// A bucket's object lock: whether it has one, and what its new versions get.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "objstore/object/types.h"

namespace strata::object {

// What a version gets that is written without a retention of its own.
struct DefaultRetention {
  RetentionMode mode = RetentionMode::kGovernance;
  uint32_t days = 0;   // 1 to kRetentionDaysMax, or
  uint32_t years = 0;  // 1 to kRetentionYearsMax; one of them is 0
  friend bool operator==(const DefaultRetention&, const DefaultRetention&) = default;
};
struct LockConfiguration {
  std::optional<DefaultRetention> default_retention;
};

// The document of BucketSetting::kObjectLock: one line of words.
[[nodiscard]] std::string lock_document(const LockConfiguration& configuration);
// Absent: the bucket has no object lock. kCorrupt for a document of another form.
[[nodiscard]] Result<std::optional<LockConfiguration>> lock_of(const BucketInfo& bucket);

}  // namespace strata::object
