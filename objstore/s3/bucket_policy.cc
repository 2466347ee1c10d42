// A bucket's policy, and what opens or closes it to the public.
#include <utility>

#include "objstore/access/bucket_policy.h"
#include "objstore/iam/principals.h"
#include "objstore/s3/acl_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/xml_access.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

using Document = std::optional<std::string>;

AnswerTask set(const Call& call, object::BucketSetting kind, Document document,
               object::BucketCheck check, int status) {
  CO_TRY(co_await call.service.store.set_bucket_setting(call.request.bucket(), kind,
                                                        std::move(document), std::move(check)));
  co_return empty_answer(status);
}

Error no_policy() {
  return {Code::kNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist"};
}

// A policy may grant to other accounts what it says of itself; S3 shows and changes it only for its
// own.
Status check_own_account(const Call& call) {
  if (call.request.caller().account == call.rules.owner) return {};
  return Error(Code::kInvalidArgument, code::kMethodNotAllowed,
               "The specified method is not allowed against this resource.");
}

// Whether everybody named is somebody: S3 refuses a policy that grants to nobody.
Status check_principals(const access::Policy& policy, const iam::Directory& directory) {
  const std::shared_ptr<const iam::State> state = directory.state();
  const auto known_account = [&](const std::string& id) {
    return id == directory.owner_account() || state->account(id) != nullptr;
  };
  for (const access::Statement& statement : policy.statements) {
    if (!statement.principal) continue;
    bool good = true;
    for (const std::string& id : statement.principal->accounts) good = good && known_account(id);
    for (const std::string& arn : statement.principal->arns) {
      good = good && iam::is_known_principal(*state, arn);
    }
    for (const std::string& id : statement.principal->canonical) {
      good = good && !directory.account_of(id).empty();
    }
    if (!good) return access::malformed_policy("Invalid principal in policy");
  }
  return {};
}

}  // namespace

AnswerTask get_bucket_policy(const Call& call) {
  CO_TRY(check_own_account(call));
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  const std::string* policy = bucket.settings->find(object::BucketSetting::kPolicy);
  if (policy == nullptr) co_return no_policy();
  Answer answer = empty_answer(200);
  answer.head.fields.add("content-type", "application/json");
  answer.body = *policy;
  co_return std::move(answer);
}

AnswerTask put_bucket_policy(const Call& call) {
  CO_TRY(check_own_account(call));
  CO_TRY_ASSIGN(std::string document, co_await read_document(call, kConfigurationXmlBytesMax));
  CO_TRY_ASSIGN(const access::Policy policy,
                access::parse_bucket_policy(document, call.request.bucket()));
  CO_TRY(check_principals(policy, call.service.directory));
  object::BucketCheck check = [&](const object::BucketInfo& bucket) -> Status {
    TRY_ASSIGN(const BucketRules now, call.service.rules.rules_of(bucket));
    if (now.access->block.block_public_policy && access::is_public(policy)) {
      return access_denied();
    }
    return {};
  };
  Document kept = std::move(document);
  Result<Answer> answer =
      co_await set(call, object::BucketSetting::kPolicy, std::move(kept), std::move(check), 204);
  co_return std::move(answer);
}

AnswerTask delete_bucket_policy(const Call& call) {
  CO_TRY(check_own_account(call));
  Document document = std::nullopt;
  object::BucketCheck none;
  Result<Answer> answer =
      co_await set(call, object::BucketSetting::kPolicy, std::move(document), std::move(none), 204);
  co_return std::move(answer);
}

AnswerTask get_bucket_policy_status(const Call& call) {
  if (call.rules.access->policy.policy == nullptr) co_return no_policy();
  codec::XmlWriter xml = s3_document("PolicyStatus");
  xml.element("IsPublic", call.rules.access->policy_is_public);
  co_return xml_answer(200, xml.finish());
}

AnswerTask get_public_access_block(const Call& call) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  CO_TRY_ASSIGN(const std::optional<access::PublicAccessBlock> block,
                access::decode_public_access_block(
                    bucket.settings->find(object::BucketSetting::kPublicAccessBlock)));
  if (!block) {
    co_return Error(Code::kNotFound, "NoSuchPublicAccessBlockConfiguration",
                    "The public access block configuration was not found");
  }
  codec::XmlWriter xml = s3_document("PublicAccessBlockConfiguration");
  xml.element("BlockPublicAcls", block->block_public_acls);
  xml.element("IgnorePublicAcls", block->ignore_public_acls);
  xml.element("BlockPublicPolicy", block->block_public_policy);
  xml.element("RestrictPublicBuckets", block->restrict_public_buckets);
  co_return xml_answer(200, xml.finish());
}

AnswerTask put_public_access_block(const Call& call) {
  CO_TRY_ASSIGN(const std::string document,
                co_await read_document(call, kConfigurationXmlBytesMax));
  CO_TRY_ASSIGN(const access::PublicAccessBlock block, parse_public_access_block(document));
  Document kept = access::encode_public_access_block(block);
  object::BucketCheck none;
  Result<Answer> answer = co_await set(call, object::BucketSetting::kPublicAccessBlock,
                                       std::move(kept), std::move(none), 200);
  co_return std::move(answer);
}

AnswerTask delete_public_access_block(const Call& call) {
  Document deleted = std::string(access::kDeleted);
  object::BucketCheck none;
  Result<Answer> answer = co_await set(call, object::BucketSetting::kPublicAccessBlock,
                                       std::move(deleted), std::move(none), 204);
  co_return std::move(answer);
}

AnswerTask get_bucket_ownership_controls(const Call& call) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  CO_TRY_ASSIGN(const std::optional<access::Ownership> ownership,
                access::decode_ownership(bucket.settings->find(object::BucketSetting::kOwnership)));
  if (!ownership) {
    co_return Error(Code::kNotFound, "OwnershipControlsNotFoundError",
                    "The bucket ownership controls were not found");
  }
  codec::XmlWriter xml = s3_document("OwnershipControls");
  xml.open("Rule").element("ObjectOwnership", access::ownership_name(*ownership));
  co_return xml_answer(200, xml.finish());
}

AnswerTask put_bucket_ownership_controls(const Call& call) {
  CO_TRY_ASSIGN(const std::string document,
                co_await read_document(call, kConfigurationXmlBytesMax));
  CO_TRY_ASSIGN(const access::Ownership ownership, parse_ownership_controls(document));
  const std::string owner = call.service.directory.canonical_id(call.rules.owner);
  // What lists grant would be taken away: S3 wants that to be done first, by name.
  object::BucketCheck check = [&](const object::BucketInfo& bucket) -> Status {
    if (ownership != access::Ownership::kBucketOwnerEnforced) return {};
    TRY_ASSIGN(const BucketRules now, call.service.rules.rules_of(bucket));
    if (!now.access->acl || now.access->acl->grants.empty() ||
        is_full_control_of(*now.access->acl, owner)) {
      return {};
    }
    return Error(Code::kInvalidArgument, code::kAclWithOwnership,
                 "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
  };
  Document kept = std::string(access::ownership_name(ownership));
  Result<Answer> answer =
      co_await set(call, object::BucketSetting::kOwnership, std::move(kept), std::move(check), 200);
  co_return std::move(answer);
}

AnswerTask delete_bucket_ownership_controls(const Call& call) {
  Document document = std::string(access::kDeleted);
  object::BucketCheck none;
  Result<Answer> answer = co_await set(call, object::BucketSetting::kOwnership, std::move(document),
                                       std::move(none), 204);
  co_return std::move(answer);
}

}  // namespace strata::s3
