#include "objstore/object/bucket_settings.h"

#include <algorithm>

#include "common/base/check.h"

namespace strata::object {

std::string_view bucket_setting_name(BucketSetting kind) noexcept {
  switch (kind) {
    case BucketSetting::kVersioning:
      return "versioning";
    case BucketSetting::kObjectLock:
      return "object_lock";
    case BucketSetting::kTagging:
      return "tagging";
    case BucketSetting::kPolicy:
      return "policy";
    case BucketSetting::kAcl:
      return "acl";
    case BucketSetting::kOwnership:
      return "ownership";
    case BucketSetting::kPublicAccessBlock:
      return "public_access_block";
    case BucketSetting::kCors:
      return "cors";
    case BucketSetting::kLifecycle:
      return "lifecycle";
    case BucketSetting::kWebsite:
      return "website";
    case BucketSetting::kEncryption:
      return "encryption";
  }
  return "unknown";
}

void BucketSettings::set(BucketSetting kind, std::optional<std::string> document) {
  CHECK(!document || document->size() <= kBucketSettingBytesMax);
  documents_[index(kind)] = std::move(document);
}

size_t BucketSettings::count() const noexcept {
  return static_cast<size_t>(
      std::ranges::count_if(documents_, [](const auto& document) { return document.has_value(); }));
}

}  // namespace strata::object
