#include "objstore/access/bucket_access.h"

#include "objstore/access/bucket_policy.h"

namespace strata::access {

namespace {

struct OwnershipName {
  Ownership ownership;
  std::string_view name;
};
constexpr OwnershipName kOwnerships[] = {
    {Ownership::kBucketOwnerEnforced, "BucketOwnerEnforced"},
    {Ownership::kBucketOwnerPreferred, "BucketOwnerPreferred"},
    {Ownership::kObjectWriter, "ObjectWriter"},
};

}  // namespace

std::string_view ownership_name(Ownership ownership) noexcept {
  for (const OwnershipName& row : kOwnerships) {
    if (row.ownership == ownership) return row.name;
  }
  return "";
}

std::optional<Ownership> parse_ownership(std::string_view name) noexcept {
  for (const OwnershipName& row : kOwnerships) {
    if (row.name == name) return row.ownership;
  }
  return std::nullopt;
}

std::string encode_public_access_block(const PublicAccessBlock& block) {
  std::string text;
  for (const bool on : {block.block_public_acls, block.ignore_public_acls,
                        block.block_public_policy, block.restrict_public_buckets}) {
    text += on ? '1' : '0';
  }
  return text;
}

Result<std::optional<PublicAccessBlock>> decode_public_access_block(const std::string* document) {
  if (document == nullptr) return std::optional<PublicAccessBlock>(PublicAccessBlock{});
  if (*document == kDeleted) return std::optional<PublicAccessBlock>();
  if (document->size() != 4 || document->find_first_not_of("01") != std::string::npos) {
    return Error(Code::kCorrupt, "a stored public access block");
  }
  const std::string& text = *document;
  return std::optional<PublicAccessBlock>(
      PublicAccessBlock{text[0] == '1', text[1] == '1', text[2] == '1', text[3] == '1'});
}

Result<std::optional<Ownership>> decode_ownership(const std::string* document) {
  if (document == nullptr) return std::optional<Ownership>(Ownership::kBucketOwnerEnforced);
  if (*document == kDeleted) return std::optional<Ownership>();
  const auto ownership = parse_ownership(*document);
  if (!ownership) return Error(Code::kCorrupt, "a stored object ownership");
  return ownership;
}

Result<BucketAccess> BucketAccess::parse(std::string_view bucket,
                                         const BucketDocuments& documents) {
  BucketAccess access;
  TRY_ASSIGN(const auto ownership, decode_ownership(documents.ownership));
  access.ownership = ownership.value_or(Ownership::kObjectWriter);
  TRY_ASSIGN(const auto block, decode_public_access_block(documents.public_access_block));
  access.block = block.value_or(PublicAccessBlock{false, false, false, false});
  if (documents.acl != nullptr) {
    TRY_ASSIGN(access.acl, decode_acl(*documents.acl));
  }
  if (documents.policy != nullptr) {
    Result<Policy> policy = parse_policy(*documents.policy, PolicyKind::kBucket);
    if (!policy.ok()) {
      return Error(Code::kCorrupt, "the stored bucket policy: " + policy.error().message);
    }
    access.policy_is_public = is_public(*policy);
    access.policy.name = "bucket policy of " + std::string(bucket);
    access.policy.policy = std::make_shared<const Policy>(std::move(*policy));
  }
  return access;
}

std::shared_ptr<const BucketAccess> BucketAccess::plain() {
  static const auto kPlain = std::make_shared<const BucketAccess>();
  return kPlain;
}

}  // namespace strata::access
