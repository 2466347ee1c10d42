#include "objstore/object/versioning.h"

#include "common/base/check.h"

namespace strata::object {

namespace {
// The words of S3's VersioningConfiguration.
constexpr std::string_view kEnabledDocument = "Enabled";
constexpr std::string_view kSuspendedDocument = "Suspended";
}  // namespace

Versioning versioning_of(const BucketInfo& bucket) noexcept {
  const std::string* document = bucket.settings->find(BucketSetting::kVersioning);
  if (document == nullptr) return Versioning::kNever;
  return *document == kSuspendedDocument ? Versioning::kSuspended : Versioning::kEnabled;
}

std::string_view versioning_document(Versioning versioning) noexcept {
  CHECK(versioning != Versioning::kNever, "versioning is never taken back");
  return versioning == Versioning::kEnabled ? kEnabledDocument : kSuspendedDocument;
}

}  // namespace strata::object
