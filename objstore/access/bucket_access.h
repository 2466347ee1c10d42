// BucketAccess: all that a bucket's settings say of who may do what to it, parsed once.
//
// Thread rule: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/access/acl.h"
#include "objstore/access/policy.h"

namespace strata::access {

// Who owns what is written into a bucket, and whether access control lists count.
enum class Ownership : uint8_t { kBucketOwnerEnforced, kBucketOwnerPreferred, kObjectWriter };
[[nodiscard]] std::string_view ownership_name(Ownership ownership) noexcept;
[[nodiscard]] std::optional<Ownership> parse_ownership(std::string_view name) noexcept;

struct PublicAccessBlock {
  bool block_public_acls = true;
  bool ignore_public_acls = true;
  bool block_public_policy = true;
  bool restrict_public_buckets = true;
  friend bool operator==(const PublicAccessBlock&, const PublicAccessBlock&) = default;
};

// The documents as they are kept with a bucket; absent: the defaults of a new bucket, which are
// AWS's (ownership enforced, all public access blocked). What was deleted is kept as kDeleted,
// and then nothing of it holds: objects belong to their writers, nothing is blocked.
inline constexpr std::string_view kDeleted = "deleted";
[[nodiscard]] std::string encode_public_access_block(const PublicAccessBlock& block);
// nullopt: it was deleted.
[[nodiscard]] Result<std::optional<PublicAccessBlock>> decode_public_access_block(
    const std::string* document);
[[nodiscard]] Result<std::optional<Ownership>> decode_ownership(const std::string* document);

struct BucketDocuments {
  const std::string* policy = nullptr;
  const std::string* acl = nullptr;
  const std::string* ownership = nullptr;
  const std::string* public_access_block = nullptr;
};

struct BucketAccess {
  NamedPolicy policy;  // its policy is null where there is none
  bool policy_is_public = false;
  std::optional<Acl> acl;  // absent: the owner alone
  Ownership ownership = Ownership::kBucketOwnerEnforced;
  PublicAccessBlock block;

  [[nodiscard]] bool acls_count() const noexcept {
    return ownership != Ownership::kBucketOwnerEnforced;
  }
  // Nothing but the defaults.
  [[nodiscard]] bool is_plain() const noexcept { return policy.policy == nullptr && !acls_count(); }

  // kCorrupt for documents that were never written so.
  [[nodiscard]] static Result<BucketAccess> parse(std::string_view bucket,
                                                  const BucketDocuments& documents);
  // Of a bucket without any settings.
  [[nodiscard]] static std::shared_ptr<const BucketAccess> plain();
};

}  // namespace strata::access
