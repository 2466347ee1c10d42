// BucketRules: a bucket as access sees it, whose it is and what its settings say of who may do
// what.
//
// Parsed once for each change of the settings: a request only looks. Thread rule: any loop.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "common/base/result.h"
#include "objstore/access/bucket_access.h"
#include "objstore/object/types.h"

namespace strata::s3 {

// Cheap to copy.
struct BucketRules {
  std::string name;   // empty: no bucket is concerned, or none that exists
  std::string owner;  // its account
  std::shared_ptr<const access::BucketAccess> access = access::BucketAccess::plain();
};

class BucketRulesCache {
 public:
  // first_owner: the account of buckets that name none.
  explicit BucketRulesCache(std::string first_owner) : first_owner_(std::move(first_owner)) {}

  // kCorrupt for settings that cannot be understood: then nobody may do anything.
  [[nodiscard]] Result<BucketRules> rules_of(const object::BucketInfo& bucket);

 private:
  struct Entry {
    std::shared_ptr<const object::BucketSettings> settings;  // what `access` was made of
    std::shared_ptr<const access::BucketAccess> access;
  };
  const std::string first_owner_;
  std::shared_mutex mutex_;
  // Of buckets that have such settings; what was of a deleted bucket goes when it is full.
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace strata::s3
