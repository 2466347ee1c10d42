// What a bucket was configured with: one document a kind, opaque here. Whoever gives a kind its
// meaning parses the document; this room keeps it, durably and together with the bucket.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::object {

struct BucketInfo;

// Numbers on disk: never reused, never changed.
enum class BucketSetting : uint8_t {
  kVersioning = 1,
  kObjectLock = 2,
  kTagging = 3,
  kPolicy = 4,
  kAcl = 5,
  kOwnership = 6,
  kPublicAccessBlock = 7,
  kCors = 8,
  kLifecycle = 9,
  kWebsite = 10,
  kEncryption = 11,
};
inline constexpr size_t kBucketSettingsMax = 11;
// Of one document. S3's largest is a lifecycle configuration of 1,000 rules.
inline constexpr size_t kBucketSettingBytesMax = 320 * kKiB;

// The name of a kind for people: "versioning".
[[nodiscard]] std::string_view bucket_setting_name(BucketSetting kind) noexcept;

// A value; once it is part of a BucketInfo it is shared and does not change. Thread rule: plain
// data.
class BucketSettings {
 public:
  // Null if it was never set, or removed.
  [[nodiscard]] const std::string* find(BucketSetting kind) const noexcept {
    const std::optional<std::string>& slot = documents_[index(kind)];
    return slot ? &*slot : nullptr;
  }
  // Nothing: removes. The document has at most kBucketSettingBytesMax (CHECK).
  void set(BucketSetting kind, std::optional<std::string> document);
  [[nodiscard]] size_t count() const noexcept;
  friend bool operator==(const BucketSettings&, const BucketSettings&) = default;

 private:
  static constexpr size_t index(BucketSetting kind) noexcept {
    return static_cast<size_t>(kind) - 1;
  }
  std::array<std::optional<std::string>, kBucketSettingsMax> documents_;
};

// Asked about the bucket as it is, while nothing else changes its settings; an error calls the
// change off.
using BucketCheck = std::function<Status(const BucketInfo&)>;

}  // namespace strata::object
