// authorize: may this caller do this to that? A pure function of plain data.
//
// Actions have the names of AWS's service authorization reference ("s3:GetObject"); resources are
// written as ARNs. Thread rule: any thread.
#pragma once

#include <string>
#include <string_view>

#include "objstore/access/caller.h"

namespace strata::access {

// What an action is done to: the service itself, a bucket, or an object in it.
struct Resource {
  std::string_view bucket;  // empty: the service
  std::string_view key;     // empty: the bucket itself

  // "arn:aws:s3:::bucket/key"; "*" for the service.
  [[nodiscard]] std::string arn() const;
};

struct Decision {
  bool allowed = false;
  std::string_view reason;  // static: why, for logs and for people
};

// Root may do everything to what its account owns, which is everything here; nobody else was
// granted anything.
[[nodiscard]] Decision authorize(const Caller& caller, std::string_view action,
                                 const Resource& resource) noexcept;

}  // namespace strata::access
