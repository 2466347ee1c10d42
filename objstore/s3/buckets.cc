// Operations on buckets, and the list of them.
#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/http/server.h"
#include "objstore/s3/acl_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/listing_parameters.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/upload_body.h"
#include "objstore/s3/xml_bodies.h"

namespace strata::s3 {

namespace {

// The region where a bucket has no location constraint, as S3 has it.
constexpr std::string_view kClassicRegion = "us-east-1";

struct BucketsPage {
  std::vector<object::BucketInfo> buckets;
  std::string next;  // the last name of the page, when there are more
};

// The owner's buckets of one page: in the order of their names, after the token, with the prefix.
BucketsPage page_of(std::vector<object::BucketInfo> all, std::string_view owner,
                    std::string_view prefix, std::string_view region, std::string_view after,
                    size_t buckets_max) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  BucketsPage page;
  for (object::BucketInfo& bucket : all) {
    if (bucket.owner != owner) continue;
    if (bucket.name <= after || !bucket.name.starts_with(prefix)) continue;
    if (!region.empty() && bucket.region != region) continue;
    if (page.buckets.size() == buckets_max) {
      page.next = page.buckets.back().name;
      break;
    }
    page.buckets.push_back(std::move(bucket));
  }
  return page;
}

// Whether the request has a body at all; CreateBucket may come without one.
bool has_body(const http::RequestHead& head) {
  return head.chunked || head.content_length.value_or(0) > 0;
}

// x-amz-bucket-object-lock-enabled: object lock comes with versioning, for good.
Status enable_object_lock(const http::Fields& fields, object::BucketSettings& settings) {
  const std::string* asked = fields.find("x-amz-bucket-object-lock-enabled");
  if (asked == nullptr || ascii_iequals(*asked, "false")) return {};
  if (!ascii_iequals(*asked, "true")) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "x-amz-bucket-object-lock-enabled must be true or false.");
  }
  settings.set(object::BucketSetting::kVersioning,
               std::string(object::versioning_document(object::Versioning::kEnabled)));
  settings.set(object::BucketSetting::kObjectLock, object::lock_document({}));
  return {};
}

// x-amz-object-ownership and the bucket's access control list. A new bucket's public access is
// blocked, so a public list contradicts it.
Status set_access(const Call& call, object::BucketSettings& settings) {
  const http::Fields& fields = call.request.fields();
  const std::string& bucket = call.request.bucket();
  auto ownership = std::optional(access::Ownership::kBucketOwnerEnforced);
  if (const std::string* name = fields.find("x-amz-object-ownership")) {
    ownership = access::parse_ownership(*name);
    if (!ownership) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "Invalid x-amz-object-ownership header: BucketOwnerEnforced, "
                   "BucketOwnerPreferred or ObjectWriter.");
    }
    TRY(require(call, "s3:PutBucketOwnershipControls", bucket, {}));
    if (*ownership != access::Ownership::kBucketOwnerEnforced) {
      settings.set(object::BucketSetting::kOwnership, std::string(*name));
    }
  }
  if (!speaks_of_acl(fields) || fields.get("x-amz-acl") == "private") return {};
  AclTarget target;
  target.of = access::AclOf::kBucket;
  target.owner_id = call.service.directory.canonical_id(call.request.caller().account);
  target.bucket_owner_id = target.owner_id;
  TRY_ASSIGN(const std::optional<access::Acl> acl,
             acl_of_fields(fields, target, call.service.directory));
  TRY(require(call, "s3:PutBucketAcl", bucket, {}));
  if (is_full_control_of(*acl, target.owner_id)) return {};
  if (*ownership == access::Ownership::kBucketOwnerEnforced) {
    return Error(Code::kInvalidArgument, code::kAclWithOwnership,
                 "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
  }
  if (access::is_public(*acl)) {
    return Error(Code::kInvalidArgument, code::kAclWithPublicAccessBlock,
                 "Bucket cannot have public ACLs set with BlockPublicAccess enabled");
  }
  settings.set(object::BucketSetting::kAcl, access::encode_acl(*acl));
  return {};
}

}  // namespace

AnswerTask list_buckets(const Call& call) {
  const Query& query = call.request.query();
  CO_TRY_ASSIGN(const uint64_t buckets_max,
                number_parameter(query, "max-buckets", kBucketsPageMax, kBucketsPageMax));
  if (buckets_max == 0) {
    co_return Error(Code::kInvalidArgument, code::kInvalidArgument,
                    "Argument max-buckets must be an integer between 1 and 10000.");
  }
  std::string after;
  if (const std::string* token = query.find("continuation-token")) {
    CO_TRY_ASSIGN(after, decode_token(*token));
  }
  const std::string prefix(query.get("prefix"));
  CO_TRY_ASSIGN(std::vector<object::BucketInfo> all, co_await call.service.store.list_buckets());
  // An account's own, whatever it may do to others'.
  const std::string& account = call.request.caller().account;
  const BucketsPage page = page_of(std::move(all), call.service.owner_in_record(account), prefix,
                                   query.get("bucket-region"), after, buckets_max);

  codec::XmlWriter xml = s3_document("ListAllMyBucketsResult");
  xml.open("Owner").element("ID", call.service.directory.canonical_id(account)).close();
  xml.open("Buckets");
  for (const object::BucketInfo& bucket : page.buckets) {
    xml.open("Bucket").element("Name", bucket.name);
    xml.element("CreationDate", codec::format_iso8601(bucket.created));
    xml.element("BucketRegion", bucket.region).close();
  }
  xml.close();
  if (query.has("prefix")) xml.element("Prefix", prefix);
  if (!page.next.empty()) xml.element("ContinuationToken", encode_token(page.next));
  co_return xml_answer(200, xml.finish());
}

AnswerTask create_bucket(const Call& call) {
  if (has_body(call.request.head())) {
    CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                  UploadBody::open(call.request, call.body, kConfigurationXmlBytesMax));
    CO_TRY_ASSIGN(const std::string xml,
                  co_await http::read_all(*upload, kConfigurationXmlBytesMax));
    if (!xml.empty()) {
      CO_TRY_ASSIGN(const std::string location, parse_create_bucket(xml));
      if (!location.empty() && location != call.service.region) {
        co_return Error(Code::kInvalidArgument, code::kIllegalLocation,
                        "The " + location +
                            " location constraint is incompatible for the region "
                            "specific endpoint this request was sent to: this is " +
                            call.service.region + ".");
      }
    }
  }
  object::CreateBucketRequest create;
  create.name = call.request.bucket();
  create.region = call.service.region;
  create.owner = call.service.owner_in_record(call.request.caller().account);
  CO_TRY(enable_object_lock(call.request.fields(), create.settings));
  CO_TRY(set_access(call, create.settings));
  CO_TRY(co_await call.service.store.create_bucket(std::move(create)));
  Answer answer = empty_answer(200);
  answer.head.fields.add("location", "/" + call.request.bucket());
  co_return std::move(answer);
}

AnswerTask head_bucket(const Call& call) {
  CO_TRY_ASSIGN(object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  Answer answer = empty_answer(200);
  answer.head.fields.add("x-amz-bucket-region", std::move(bucket.region));
  answer.head.fields.add("x-amz-access-point-alias", "false");
  co_return std::move(answer);
}

AnswerTask delete_bucket(const Call& call) {
  CO_TRY(co_await call.service.store.delete_bucket(call.request.bucket()));
  co_return empty_answer(204);
}

AnswerTask get_bucket_location(const Call& call) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  // The root element itself holds the region, and nothing where there is no constraint.
  std::string document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"";
  document += kXmlNamespace;
  document += "\">";
  if (bucket.region != kClassicRegion) document += bucket.region;
  document += "</LocationConstraint>";
  co_return xml_answer(200, std::move(document));
}

AnswerTask unset_configuration(const Call& call) {
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));
  co_return Error(Code::kNotFound, call.operation.unset,
                  "The bucket has no such configuration; it cannot be set on this server.");
}

}  // namespace strata::s3
