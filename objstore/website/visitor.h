// Visitor: what somebody who did not sign in may do in a bucket.
//
// Policies of the bucket, access control lists and the public access block decide, as they do for
// an anonymous request to the S3 port. Thread rule: plain data.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/http/server.h"
#include "common/io/clock.h"
#include "objstore/access/pattern.h"
#include "objstore/object/types.h"
#include "objstore/s3/bucket_rules.h"

namespace strata::website {

class Visitor final : public access::Context {
 public:
  // rules: of that bucket. The exchange and the bucket outlive this.
  Visitor(const object::BucketInfo& bucket, s3::BucketRules rules, const http::Exchange& exchange,
          io::WallTime now)
      : bucket_(&bucket), rules_(std::move(rules)), exchange_(&exchange), now_(now) {}

  // "s3:GetObject" of a key (info: the object, where there is one), "s3:ListBucket" of the bucket
  // (no key).
  [[nodiscard]] bool may(std::string_view action, std::string_view key,
                         const object::ObjectInfo* info) const;

  // What conditions of policies can ask: address, Referer, User-Agent, TLS and time.
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override;

 private:
  const object::BucketInfo* bucket_;
  s3::BucketRules rules_;
  const http::Exchange* exchange_;
  io::WallTime now_;
};

}  // namespace strata::website
