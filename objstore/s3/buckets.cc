// Operations on buckets, and the list of them. Their creation is create_bucket.cc.
#include <algorithm>
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/listing_parameters.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/owner_ids.h"
#include "objstore/s3/request_fields.h"

namespace strata::s3 {

namespace {

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

}  // namespace

AnswerTask list_buckets(const Call& call) {
  const Query& query = call.request.query();
  CO_TRY_ASSIGN(const uint64_t buckets_max,
                number_parameter(query, "max-buckets", kBucketsPageMax, kBucketsPageMax + 1));
  if (buckets_max == 0 || buckets_max > kBucketsPageMax) {
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
  OwnerIds(call).write(xml, "Owner", account);
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
