// CreateBucket.
#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "common/http/server.h"
#include "objstore/object/tags.h"
#include "objstore/s3/acl_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/upload_body.h"
#include "objstore/s3/xml_configurations.h"

namespace strata::s3 {

namespace {

using object::BucketSetting;

// Whether the request has a body at all; CreateBucket may come without one.
bool has_body(const http::RequestHead& head) {
  return head.chunked || head.content_length.value_or(0) > 0;
}

// Of the form that AWS's regions have, "eu-west-1", or the one that is older than the form.
bool is_region_name(std::string_view name) {
  if (name == "EU") return true;
  const size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash < 4 || dash + 2 != name.size()) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_letter_or_dash = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  return is_digit(name.back()) &&
         std::all_of(name.begin(), name.begin() + static_cast<ptrdiff_t>(dash), is_letter_or_dash);
}

Status check_location(std::string_view location, const std::string& region) {
  if (location.empty() || location == region) return {};
  if (!is_region_name(location)) {
    return Error(Code::kInvalidArgument, code::kInvalidLocation,
                 "The specified location-constraint is not valid");
  }
  return Error(Code::kInvalidArgument, code::kIllegalLocation,
               "The " + std::string(location) +
                   " location constraint is incompatible for the region specific endpoint this "
                   "request was sent to: this is " +
                   region + ".");
}

// x-amz-bucket-object-lock-enabled: object lock comes with versioning, for good.
Status enable_object_lock(const http::Fields& fields, object::BucketSettings& settings) {
  const std::string* asked = fields.find("x-amz-bucket-object-lock-enabled");
  if (asked == nullptr || ascii_iequals(*asked, "false")) return {};
  if (!ascii_iequals(*asked, "true")) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "x-amz-bucket-object-lock-enabled must be true or false.");
  }
  settings.set(BucketSetting::kVersioning,
               std::string(object::versioning_document(object::Versioning::kEnabled)));
  settings.set(BucketSetting::kObjectLock, object::lock_document({}));
  return {};
}

// x-amz-object-ownership.
Status set_ownership(const Call& call, object::BucketSettings& settings) {
  const std::string* name = call.request.fields().find("x-amz-object-ownership");
  if (name == nullptr) return {};
  const auto ownership = access::parse_ownership(*name);
  if (!ownership) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Invalid x-amz-object-ownership header: BucketOwnerEnforced, "
                 "BucketOwnerPreferred or ObjectWriter.");
  }
  TRY(require(call, "s3:PutBucketOwnershipControls", call.request.bucket(), {}));
  std::optional<std::string> kept;
  if (*ownership != access::Ownership::kBucketOwnerEnforced) kept = *name;
  settings.set(BucketSetting::kOwnership, std::move(kept));
  return {};
}

// The bucket's access control list. Where the new bucket's public access is blocked, a public list
// contradicts it.
Status set_acl(const Call& call, object::BucketSettings& settings) {
  const http::Fields& fields = call.request.fields();
  if (!speaks_of_acl(fields) || fields.get("x-amz-acl") == "private") return {};
  AclTarget target;
  target.of = access::AclOf::kBucket;
  target.owner_id = call.service.directory.canonical_id(call.request.caller().account);
  target.bucket_owner_id = target.owner_id;
  TRY_ASSIGN(const std::optional<access::Acl> acl,
             acl_of_fields(fields, target, call.service.directory));
  TRY(require(call, "s3:PutBucketAcl", call.request.bucket(), {}));
  if (is_full_control_of(*acl, target.owner_id)) return {};
  TRY_ASSIGN(const std::optional<access::Ownership> ownership,
             access::decode_ownership(settings.find(BucketSetting::kOwnership)));
  if (ownership == access::Ownership::kBucketOwnerEnforced) {
    return Error(Code::kInvalidArgument, code::kAclWithOwnership,
                 "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
  }
  const bool blocked = settings.find(BucketSetting::kPublicAccessBlock) == nullptr;
  if (blocked && access::is_public(*acl)) {
    return Error(Code::kInvalidArgument, code::kAclWithPublicAccessBlock,
                 "Bucket cannot have public ACLs set with BlockPublicAccess enabled");
  }
  settings.set(BucketSetting::kAcl, access::encode_acl(*acl));
  return {};
}

// Tags of the document.
Status set_tags(const Call& call, const object::Tags& tags, object::BucketSettings& settings) {
  if (tags.empty()) return {};
  TRY(object::check_tags(tags, object::kBucketTagsMax));
  TRY(require(call, "s3:TagResource", call.request.bucket(), {}));
  settings.set(BucketSetting::kTagging, render_tagging(tags));
  return {};
}

// The caller's bucket, made again: in us-east-1 S3 says yes and sets its access control list anew.
// What else the request states has to be so already.
async::Task<Status> create_again(const Call& call, const object::BucketSettings& stated,
                                 Error exists) {
  const http::Fields& fields = call.request.fields();
  const bool states_ownership = fields.find("x-amz-object-ownership") != nullptr;
  object::BucketCheck check = [&](const object::BucketInfo& bucket) -> Status {
    const auto same = [&](BucketSetting kind) {
      const std::string* const asked = stated.find(kind);
      const std::string* const is = bucket.settings->find(kind);
      return (asked == nullptr) == (is == nullptr) && (asked == nullptr || *asked == *is);
    };
    if (stated.find(BucketSetting::kObjectLock) != nullptr &&
        bucket.settings->find(BucketSetting::kObjectLock) == nullptr) {
      return exists;
    }
    if (stated.find(BucketSetting::kTagging) != nullptr && !same(BucketSetting::kTagging)) {
      return exists;
    }
    if (states_ownership && !same(BucketSetting::kOwnership)) return exists;
    TRY_ASSIGN(const BucketRules now, call.service.rules.rules_of(bucket));
    if (stated.find(BucketSetting::kAcl) != nullptr && !now.access->acls_count()) return exists;
    return {};
  };
  std::optional<std::string> acl;
  if (const std::string* list = stated.find(BucketSetting::kAcl)) acl = *list;
  Status done = co_await call.service.store.set_bucket_setting(
      call.request.bucket(), BucketSetting::kAcl, std::move(acl), std::move(check));
  co_return std::move(done);
}

}  // namespace

object::BucketSettings settings_of_new(NewBuckets kind) {
  object::BucketSettings settings;
  if (kind == NewBuckets::kOpen) {
    settings.set(BucketSetting::kOwnership, std::string(access::kDeleted));
    settings.set(BucketSetting::kPublicAccessBlock, std::string(access::kDeleted));
  }
  return settings;
}

AnswerTask create_bucket(const Call& call) {
  NewBucket asked;
  if (has_body(call.request.head())) {
    CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                  UploadBody::open(call.request, call.body, kConfigurationXmlBytesMax));
    CO_TRY_ASSIGN(const std::string xml,
                  co_await http::read_all(*upload, kConfigurationXmlBytesMax));
    if (!xml.empty()) {
      CO_TRY_ASSIGN(asked, parse_create_bucket(xml));
      CO_TRY(check_location(asked.location, call.service.region));
    }
  }
  object::CreateBucketRequest create;
  create.name = call.request.bucket();
  create.region = call.service.region;
  create.owner = call.service.owner_in_record(call.request.caller().account);
  create.settings = settings_of_new(call.service.new_buckets);
  CO_TRY(enable_object_lock(call.request.fields(), create.settings));
  CO_TRY(set_ownership(call, create.settings));
  CO_TRY(set_acl(call, create.settings));
  CO_TRY(set_tags(call, asked.tags, create.settings));
  const object::BucketSettings stated = create.settings;
  Status made = co_await call.service.store.create_bucket(std::move(create));
  if (!made.ok()) {
    Error error = made.error();
    if (error.reason != object::reason::kBucketExists || call.service.region != kClassicRegion) {
      co_return std::move(error);
    }
    CO_TRY(co_await create_again(call, stated, std::move(error)));
  }
  Answer answer = empty_answer(200);
  answer.head.fields.add("location", "/" + call.request.bucket());
  co_return std::move(answer);
}

}  // namespace strata::s3
