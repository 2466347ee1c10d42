// The settings of buckets that are XML documents: CORS, lifecycle, website, default encryption.
// Get, Put and Delete of each.
//
// What is kept is the document as this program writes it, so that it parses again.
#include <functional>
#include <utility>

#include "common/http/server.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/upload_body.h"
#include "objstore/settings/website.h"

namespace strata::s3 {

namespace {

using object::BucketSetting;

// Whether S3 takes the document only with Content-MD5 or a checksum of it.
enum class Integrity { kRequired, kOptional };

async::Task<Result<std::string>> read_document(const Call& call, size_t bytes_max,
                                               Integrity integrity) {
  CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                UploadBody::open(call.request, call.body, bytes_max));
  if (integrity == Integrity::kRequired && !upload->has_integrity_check()) {
    co_return Error(Code::kInvalidArgument, code::kInvalidRequest,
                    "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  Result<std::string> document = co_await http::read_all(*upload, bytes_max);
  if (document.ok() && document->empty()) {
    co_return Error(Code::kInvalidArgument, code::kMissingRequestBody, "Request Body is empty");
  }
  co_return std::move(document);
}

async::Task<Result<std::string>> stored_document(const Call& call, BucketSetting kind,
                                                 std::string_view missing) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  const std::string* const document = bucket.settings->find(kind);
  if (document == nullptr) {
    co_return Error(Code::kNotFound, call.operation.unset, std::string(missing));
  }
  co_return *document;
}

async::Task<Status> store_document(const Call& call, BucketSetting kind, std::string document) {
  if (document.size() > object::kBucketSettingBytesMax) {
    co_return Error(Code::kInvalidArgument, code::kInvalidRequest,
                    "The configuration is too large: it has more than " +
                        std::to_string(object::kBucketSettingBytesMax) + " bytes.");
  }
  Status stored = co_await call.service.store.set_bucket_setting(call.request.bucket(), kind,
                                                                 std::move(document));
  co_return std::move(stored);
}

AnswerTask delete_document(const Call& call, BucketSetting kind) {
  CO_TRY(co_await call.service.store.set_bucket_setting(call.request.bucket(), kind, std::nullopt));
  co_return empty_answer(204);
}

// Lifecycle answers and requests say from which size on objects move; only S3's default is served.
constexpr const char* kMinimumSize = "x-amz-transition-default-minimum-object-size";
constexpr const char* kMinimumSizeDefault = "all_storage_classes_128K";

}  // namespace

AnswerTask get_bucket_cors(const Call& call) {
  CO_TRY_ASSIGN(std::string document,
                co_await stored_document(call, BucketSetting::kCors,
                                         "The CORS configuration does not exist"));
  co_return xml_answer(200, std::move(document));
}

AnswerTask put_bucket_cors(const Call& call) {
  CO_TRY_ASSIGN(const std::string xml,
                co_await read_document(call, settings::kCorsXmlBytesMax, Integrity::kRequired));
  CO_TRY_ASSIGN(const settings::CorsConfiguration cors, settings::parse_cors(xml));
  CO_TRY(co_await store_document(call, BucketSetting::kCors, settings::render_cors(cors)));
  co_return empty_answer(200);
}

AnswerTask delete_bucket_cors(const Call& call) {
  return delete_document(call, BucketSetting::kCors);
}

AnswerTask get_bucket_lifecycle(const Call& call) {
  CO_TRY_ASSIGN(std::string document,
                co_await stored_document(call, BucketSetting::kLifecycle,
                                         "The lifecycle configuration does not exist"));
  Answer answer = xml_answer(200, std::move(document));
  answer.head.fields.add(kMinimumSize, kMinimumSizeDefault);
  co_return std::move(answer);
}

AnswerTask put_bucket_lifecycle(const Call& call) {
  const std::string* const size = call.request.fields().find(kMinimumSize);
  if (size != nullptr && *size != kMinimumSizeDefault) co_return not_implemented(kMinimumSize);
  CO_TRY_ASSIGN(const std::string xml, co_await read_document(call, settings::kLifecycleXmlBytesMax,
                                                              Integrity::kRequired));
  // The time is seed enough for names that only have to differ within one document.
  const auto seed = static_cast<uint64_t>(call.service.clock.wall_now().time_since_epoch().count());
  CO_TRY_ASSIGN(const settings::LifecycleConfiguration lifecycle,
                settings::parse_lifecycle(xml, seed));
  CO_TRY(co_await store_document(call, BucketSetting::kLifecycle,
                                 settings::render_lifecycle(lifecycle)));
  Answer answer = empty_answer(200);
  answer.head.fields.add(kMinimumSize, kMinimumSizeDefault);
  co_return std::move(answer);
}

AnswerTask delete_bucket_lifecycle(const Call& call) {
  return delete_document(call, BucketSetting::kLifecycle);
}

AnswerTask get_bucket_website(const Call& call) {
  CO_TRY_ASSIGN(
      std::string document,
      co_await stored_document(call, BucketSetting::kWebsite,
                               "The specified bucket does not have a website configuration"));
  co_return xml_answer(200, std::move(document));
}

AnswerTask put_bucket_website(const Call& call) {
  CO_TRY_ASSIGN(const std::string xml,
                co_await read_document(call, settings::kWebsiteXmlBytesMax, Integrity::kOptional));
  CO_TRY_ASSIGN(const settings::WebsiteConfiguration website, settings::parse_website(xml));
  CO_TRY(co_await store_document(call, BucketSetting::kWebsite, settings::render_website(website)));
  co_return empty_answer(200);
}

AnswerTask delete_bucket_website(const Call& call) {
  return delete_document(call, BucketSetting::kWebsite);
}

AnswerTask get_bucket_encryption(const Call& call) {
  CO_TRY_ASSIGN(std::string document,
                co_await stored_document(call, BucketSetting::kEncryption,
                                         "The server side encryption configuration was not found"));
  co_return xml_answer(200, std::move(document));
}

AnswerTask put_bucket_encryption(const Call& call) {
  CO_TRY_ASSIGN(
      const std::string xml,
      co_await read_document(call, settings::kEncryptionXmlBytesMax, Integrity::kOptional));
  CO_TRY_ASSIGN(const settings::DefaultEncryption encryption,
                settings::parse_default_encryption(xml));
  CO_TRY(co_await store_document(call, BucketSetting::kEncryption,
                                 settings::render_default_encryption(encryption)));
  co_return empty_answer(200);
}

AnswerTask delete_bucket_encryption(const Call& call) {
  return delete_document(call, BucketSetting::kEncryption);
}

}  // namespace strata::s3
