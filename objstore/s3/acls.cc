// The access control lists of buckets and objects.
#include <utility>

#include "common/http/server.h"
#include "objstore/access/bucket_access.h"
#include "objstore/s3/acl_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/upload_body.h"
#include "objstore/s3/versions.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

AclTarget target_of(const Call& call, access::AclOf of, const std::string& owner) {
  const iam::Directory& directory = call.service.directory;
  AclTarget target;
  target.of = of;
  target.bucket_owner_id = directory.canonical_id(call.rules.owner);
  target.owner_id = owner.empty() ? target.bucket_owner_id : directory.canonical_id(owner);
  return target;
}

// The list that the request states, in its fields or in its body: one of them. `target` outlives
// the task.
async::Task<Result<access::Acl>> stated_acl(const Call& call, const AclTarget& target) {
  CO_TRY_ASSIGN(std::optional<access::Acl> by_field,
                acl_of_fields(call.request.fields(), target, call.service.directory));
  CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                UploadBody::open(call.request, call.body, kConfigurationXmlBytesMax));
  CO_TRY_ASSIGN(const std::string document,
                co_await http::read_all(*upload, kConfigurationXmlBytesMax));
  if (by_field) {
    if (document.empty()) co_return std::move(*by_field);
    co_return Error(Code::kInvalidArgument, code::kUnexpectedContent,
                    "This request does not support content");
  }
  if (document.empty()) {
    co_return Error(Code::kInvalidArgument, code::kMissingSecurityHeader,
                    "Your request was missing a required header: x-amz-acl");
  }
  CO_TRY_ASSIGN(access::Acl acl, parse_acl(document));
  CO_TRY(check_acl(acl, target.owner_id, call.service.directory));
  co_return std::move(acl);
}

// What may be said of who may do what, as the bucket is.
Status check_allowed(const access::BucketAccess& rules, const access::Acl& acl,
                     std::string_view bucket_owner_id) {
  if (!rules.acls_count()) {
    return is_full_control_of(acl, bucket_owner_id) ? Status() : Status(acls_not_supported());
  }
  if (rules.block.block_public_acls && access::is_public(acl)) return access_denied();
  return {};
}

// `private` is what every list is that grants nothing: where lists do not count, it is refused too.
bool states_private(const http::Fields& fields) {
  return fields.get("x-amz-acl") == "private";
}

}  // namespace

AnswerTask get_bucket_acl(const Call& call) {
  const access::BucketAccess& rules = *call.rules.access;
  if (rules.acls_count() && rules.acl)
    co_return xml_answer(200, acl_document(*rules.acl, call.service.directory));
  const std::string owner = call.service.directory.canonical_id(call.rules.owner);
  co_return xml_answer(200, acl_document(access::private_acl(owner), call.service.directory));
}

AnswerTask put_bucket_acl(const Call& call) {
  const AclTarget target = target_of(call, access::AclOf::kBucket, {});
  CO_TRY_ASSIGN(const access::Acl acl, co_await stated_acl(call, target));
  if (!call.rules.access->acls_count() && states_private(call.request.fields())) {
    co_return acls_not_supported();
  }
  // The settings may have changed since they were looked at; the check sees them as they are.
  object::BucketCheck check = [&](const object::BucketInfo& bucket) -> Status {
    TRY_ASSIGN(const BucketRules now, call.service.rules.rules_of(bucket));
    return check_allowed(*now.access, acl, target.bucket_owner_id);
  };
  std::optional<std::string> document = access::encode_acl(acl);
  CO_TRY(co_await call.service.store.set_bucket_setting(
      call.request.bucket(), object::BucketSetting::kAcl, std::move(document), std::move(check)));
  co_return empty_answer(200);
}

AnswerTask get_object_acl(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  CO_TRY_ASSIGN(const object::ObjectInfo info, co_await read_version_info(call, name));
  const AclTarget target = target_of(call, access::AclOf::kObject, info.extras.owner);
  access::Acl acl = access::private_acl(target.owner_id);
  if (!call.rules.access->acls_count()) {
    acl = access::private_acl(target.bucket_owner_id);
  } else if (!info.extras.acl.empty()) {
    CO_TRY_ASSIGN(acl, access::decode_acl(info.extras.acl));
  }
  Answer answer = xml_answer(200, acl_document(acl, call.service.directory));
  CO_TRY(co_await add_version_field(call, call.request.bucket(), info.version_id,
                                    "x-amz-version-id", answer));
  co_return std::move(answer);
}

AnswerTask put_object_acl(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  CO_TRY_ASSIGN(const object::ObjectInfo info, co_await read_version_info(call, name));
  const AclTarget target = target_of(call, access::AclOf::kObject, info.extras.owner);
  CO_TRY_ASSIGN(const access::Acl acl, co_await stated_acl(call, target));
  if (!call.rules.access->acls_count() && states_private(call.request.fields())) {
    co_return acls_not_supported();
  }
  CO_TRY(check_allowed(*call.rules.access, acl, target.bucket_owner_id));
  if (call.rules.access->acls_count()) {
    // An unversioned object may be replaced meanwhile: then the list is the new one's.
    std::string document = access::encode_acl(acl);
    CO_TRY(co_await call.service.store.set_acl(std::move(name), std::move(document)));
  }
  Answer answer = empty_answer(200);
  CO_TRY(co_await add_version_field(call, call.request.bucket(), info.version_id,
                                    "x-amz-version-id", answer));
  co_return std::move(answer);
}

}  // namespace strata::s3
