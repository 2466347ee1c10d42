#include "objstore/s3/bucket_rules.h"

#include <mutex>
#include <utility>

namespace strata::s3 {

namespace {

access::BucketDocuments documents_of(const object::BucketSettings& settings) {
  access::BucketDocuments documents;
  documents.policy = settings.find(object::BucketSetting::kPolicy);
  documents.acl = settings.find(object::BucketSetting::kAcl);
  documents.ownership = settings.find(object::BucketSetting::kOwnership);
  documents.public_access_block = settings.find(object::BucketSetting::kPublicAccessBlock);
  return documents;
}

}  // namespace

Result<BucketRules> BucketRulesCache::rules_of(const object::BucketInfo& bucket) {
  BucketRules rules;
  rules.name = bucket.name;
  rules.owner = bucket.owner.empty() ? first_owner_ : bucket.owner;
  const access::BucketDocuments documents = documents_of(*bucket.settings);
  if (documents.policy == nullptr && documents.acl == nullptr && documents.ownership == nullptr &&
      documents.public_access_block == nullptr) {
    return rules;
  }
  {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(bucket.name);
    if (found != entries_.end() && found->second.settings == bucket.settings) {
      rules.access = found->second.access;
      return rules;
    }
  }
  TRY_ASSIGN(access::BucketAccess parsed, access::BucketAccess::parse(bucket.name, documents));
  rules.access = std::make_shared<const access::BucketAccess>(std::move(parsed));
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= object::kBucketsMax) entries_.clear();
  entries_.insert_or_assign(bucket.name, Entry{bucket.settings, rules.access});
  return rules;
}

}  // namespace strata::s3
