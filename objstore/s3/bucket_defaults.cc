// Configurations of a bucket that have one value here: it is told, and may be set to what it is.
// And those of which there are any number on S3, and none here.
#include <utility>

#include "common/base/parse.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

constexpr size_t kDefaultsElementsMax = 64;

// The root of the list of each kind of configuration.
struct ListRoot {
  std::string_view operation;
  std::string_view root;
};
constexpr ListRoot kListRoots[] = {
    {"ListBucketAnalyticsConfigurations", "ListBucketAnalyticsConfigurationResult"},
    {"ListBucketIntelligentTieringConfigurations",
     "ListBucketIntelligentTieringConfigurationsOutput"},
    {"ListBucketInventoryConfigurations", "ListInventoryConfigurationsResult"},
    {"ListBucketMetricsConfigurations", "ListMetricsConfigurationsResult"},
};

// An empty document where the bucket exists.
AnswerTask empty_document(const Call& call, std::string_view root) {
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));
  co_return xml_answer(200, s3_document(root).finish());
}

async::Task<Result<codec::XmlElement>> read_configuration(const Call& call, std::string_view root) {
  CO_TRY_ASSIGN(const std::string document,
                co_await read_document(call, kConfigurationXmlBytesMax));
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));
  co_return parse_root(document, root, kConfigurationXmlBytesMax, kDefaultsElementsMax);
}

}  // namespace

AnswerTask get_bucket_accelerate(const Call& call) {
  return empty_document(call, "AccelerateConfiguration");
}

AnswerTask get_bucket_logging(const Call& call) {
  return empty_document(call, "BucketLoggingStatus");
}

AnswerTask put_bucket_logging(const Call& call) {
  CO_TRY_ASSIGN(const codec::XmlElement root,
                co_await read_configuration(call, "BucketLoggingStatus"));
  if (!root.children.empty()) co_return not_implemented("bucket logging");
  co_return empty_answer(200);
}

AnswerTask get_bucket_request_payment(const Call& call) {
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));
  codec::XmlWriter xml = s3_document("RequestPaymentConfiguration");
  xml.element("Payer", "BucketOwner");
  co_return xml_answer(200, xml.finish());
}

AnswerTask put_bucket_request_payment(const Call& call) {
  CO_TRY_ASSIGN(const codec::XmlElement root,
                co_await read_configuration(call, "RequestPaymentConfiguration"));
  const std::string_view payer = trim(root.child_text("Payer"));
  if (root.children.size() != 1) co_return malformed_xml();
  if (payer == "Requester") co_return not_implemented("payment by the requester");
  if (payer != "BucketOwner") co_return malformed_xml();
  co_return empty_answer(200);
}

AnswerTask get_bucket_notification(const Call& call) {
  return empty_document(call, "NotificationConfiguration");
}

AnswerTask put_bucket_notification(const Call& call) {
  CO_TRY_ASSIGN(const codec::XmlElement root,
                co_await read_configuration(call, "NotificationConfiguration"));
  if (!root.children.empty()) co_return not_implemented("event notifications");
  co_return empty_answer(200);
}

AnswerTask get_bucket_abac(const Call& call) {
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));
  codec::XmlWriter xml = s3_document("AbacStatus");
  xml.element("Status", "Disabled");
  co_return xml_answer(200, xml.finish());
}

AnswerTask delete_bucket_replication(const Call& call) {
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));
  co_return empty_answer(204);
}

AnswerTask list_no_configurations(const Call& call) {
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));
  for (const ListRoot& row : kListRoots) {
    if (row.operation != call.operation.name) continue;
    codec::XmlWriter xml = s3_document(row.root);
    xml.element("IsTruncated", false);
    co_return xml_answer(200, xml.finish());
  }
  co_return not_implemented(call.operation.name);
}

}  // namespace strata::s3
