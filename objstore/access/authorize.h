// authorize: may this caller do this to that bucket or object? Policies, access control lists,
// ownership and the public access block together.
//
// Actions have the names of AWS's service authorization reference ("s3:GetObject"); resources are
// written as ARNs. Thread rule: pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "objstore/access/bucket_access.h"
#include "objstore/access/caller.h"
#include "objstore/access/evaluate.h"

namespace strata::access {

// What an action is done to: the service itself, a bucket, or an object in it.
struct Resource {
  std::string_view bucket;  // empty: the service
  std::string_view key;     // empty: the bucket itself

  // "arn:aws:s3:::bucket/key"; "arn:aws:s3:::*" for the service.
  [[nodiscard]] std::string arn() const;
};

// An object that is there, where that matters (see needs_object).
struct ObjectSide {
  std::string owner;       // account; empty: the bucket's owner
  std::optional<Acl> acl;  // absent: its owner alone
};

struct BucketSide {
  std::string_view owner;  // account
  const BucketAccess& access;
  const ObjectSide* object = nullptr;  // null: there is none, or it does not matter
};

// Whether nothing but ownership decides, which needs no policy, no context and no object: the
// owner's root in a bucket without policy and access control lists.
[[nodiscard]] inline bool owner_decides(const Caller& caller, std::string_view owner,
                                        const BucketAccess& access) noexcept {
  return caller.kind == CallerKind::kRoot && caller.account == owner && access.is_plain() &&
         !caller.principal->narrowed;
}

// Whether the action is done to an object that is there, and so may depend on its tags and owner.
[[nodiscard]] bool is_about_object(std::string_view action) noexcept;

// Whether the action's answer depends on who owns the object and on its access control list.
[[nodiscard]] bool needs_object(const BucketAccess& access, std::string_view action) noexcept;

// For everything in a bucket that exists. The context is asked only for what policies name.
[[nodiscard]] Decision authorize(const Caller& caller, std::string_view action,
                                 const Resource& resource, const Context& context,
                                 const BucketSide& side, Trace* trace = nullptr);

// For what is done to no bucket yet (ListAllMyBuckets, CreateBucket) or to another service: the
// caller's own policies decide. `arn`: the resource as that service writes it.
[[nodiscard]] Decision authorize_own(const Caller& caller, std::string_view action,
                                     std::string_view arn, const Context& context,
                                     Trace* trace = nullptr);

}  // namespace strata::access
