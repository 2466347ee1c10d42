// ParsedSettings: what a bucket's settings say, parsed once and kept for as long as they stand.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "objstore/object/bucket_settings.h"
#include "objstore/object/types.h"
#include "objstore/settings/cors.h"
#include "objstore/settings/default_encryption.h"
#include "objstore/settings/lifecycle.h"
#include "objstore/settings/website.h"

namespace strata::s3 {

// Immutable. A document that does not parse (a newer program wrote it) counts as absent but for the
// default encryption, where writing in the clear would break a promise: see unreadable_encryption.
struct ParsedSettings {
  std::optional<settings::CorsConfiguration> cors;
  std::optional<settings::LifecycleConfiguration> lifecycle;
  std::optional<settings::DefaultEncryption> encryption;
  std::optional<settings::WebsiteConfiguration> website;
  bool unreadable_encryption = false;
};

// Thread rule: any thread.
class SettingsCache {
 public:
  // Never null. A bucket without any such setting costs no look-up.
  [[nodiscard]] std::shared_ptr<const ParsedSettings> of(const object::BucketInfo& bucket);

 private:
  struct Entry {
    std::weak_ptr<const object::BucketSettings> source;
    std::shared_ptr<const ParsedSettings> parsed;
  };
  static constexpr size_t kEntriesMax = 1000;  // beyond, one is dropped for each that comes

  const std::shared_ptr<const ParsedSettings> nothing_ = std::make_shared<ParsedSettings>();
  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> by_bucket_;  // guarded by mutex_
};

}  // namespace strata::s3
