#include "objstore/s3/parsed_settings.h"

#include "common/base/log.h"

namespace strata::s3 {
namespace {

using object::BucketSetting;

template <typename T>
void take(const object::BucketInfo& bucket, Result<T> parsed, std::optional<T>& into) {
  if (parsed.ok()) {
    into = std::move(*parsed);
    return;
  }
  log::error("s3.setting_unreadable",
             {{"bucket", bucket.name}, {"error", parsed.error().to_string()}});
}

ParsedSettings parse(const object::BucketInfo& bucket) {
  ParsedSettings parsed;
  if (const std::string* cors = bucket.settings->find(BucketSetting::kCors)) {
    take(bucket, settings::parse_cors(*cors), parsed.cors);
  }
  if (const std::string* lifecycle = bucket.settings->find(BucketSetting::kLifecycle)) {
    take(bucket, settings::parse_lifecycle(*lifecycle, 0), parsed.lifecycle);
  }
  if (const std::string* encryption = bucket.settings->find(BucketSetting::kEncryption)) {
    take(bucket, settings::parse_default_encryption(*encryption), parsed.encryption);
    parsed.unreadable_encryption = !parsed.encryption;
  }
  if (const std::string* website = bucket.settings->find(BucketSetting::kWebsite)) {
    take(bucket, settings::parse_website(*website), parsed.website);
  }
  return parsed;
}

}  // namespace

std::shared_ptr<const ParsedSettings> SettingsCache::of(const object::BucketInfo& bucket) {
  if (bucket.settings->find(BucketSetting::kCors) == nullptr &&
      bucket.settings->find(BucketSetting::kLifecycle) == nullptr &&
      bucket.settings->find(BucketSetting::kEncryption) == nullptr &&
      bucket.settings->find(BucketSetting::kWebsite) == nullptr) {
    return nothing_;
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_bucket_.find(bucket.name);
    if (found != by_bucket_.end() && found->second.source.lock() == bucket.settings) {
      return found->second.parsed;
    }
  }
  auto parsed = std::make_shared<const ParsedSettings>(parse(bucket));
  const std::lock_guard lock(mutex_);
  if (by_bucket_.size() >= kEntriesMax && by_bucket_.find(bucket.name) == by_bucket_.end()) {
    by_bucket_.erase(by_bucket_.begin());
  }
  by_bucket_[bucket.name] = {bucket.settings, parsed};
  return parsed;
}

}  // namespace strata::s3
