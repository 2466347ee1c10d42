// CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload.
#include <utility>

#include "common/base/parse.h"
#include "common/http/server.h"
#include "objstore/s3/claimed_checksum.h"
#include "objstore/s3/encryption_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/expiration_field.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/object_extras.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/upload_body.h"
#include "objstore/s3/versions.h"
#include "objstore/s3/xml_bodies.h"

namespace strata::s3 {

namespace {

// Whether x-amz-checksum-type says FULL_OBJECT; nullopt when it is absent.
Result<std::optional<bool>> wants_full_object(const http::Fields& fields) {
  const std::string* type = fields.find("x-amz-checksum-type");
  if (type == nullptr) return std::optional<bool>();
  if (*type == "FULL_OBJECT") return std::optional<bool>(true);
  if (*type == "COMPOSITE") return std::optional<bool>(false);
  return Error(Code::kInvalidArgument, code::kInvalidRequest,
               "Value for x-amz-checksum-type header is invalid.");
}

Status parse_upload_checksum(const http::Fields& fields, object::CreateUploadRequest& create) {
  TRY_ASSIGN(const std::optional<bool> full_object, wants_full_object(fields));
  const std::string* name = fields.find("x-amz-checksum-algorithm");
  if (name == nullptr) {
    if (!full_object) return {};
    return Error(Code::kInvalidArgument, code::kInvalidRequest,
                 "The x-amz-checksum-type header can only be used with the "
                 "x-amz-checksum-algorithm header.");
  }
  TRY_ASSIGN(const digest::ChecksumAlgorithm algorithm, parse_checksum_algorithm(*name));
  const bool always_full = algorithm == digest::ChecksumAlgorithm::kCrc64Nvme;
  const bool full = full_object.value_or(always_full);
  if (full != always_full && (always_full || !digest::checksum_combines(algorithm))) {
    return Error(Code::kInvalidArgument, code::kInvalidRequest,
                 "The " + std::string(full ? "FULL_OBJECT" : "COMPOSITE") +
                     " checksum type cannot be used with the " +
                     std::string(digest::checksum_name(algorithm)) + " checksum algorithm.");
  }
  create.checksum_algorithm = algorithm;
  create.checksum_full_object = full;
  return {};
}

// What the request states of the finished object, for the store to hold it to.
Result<object::CompleteRequest> complete_request(const VerifiedRequest& request) {
  object::CompleteRequest complete;
  complete.bucket = request.bucket();
  complete.key = request.key();
  complete.upload_id = request.query().get("uploadId");
  TRY_ASSIGN(complete.conditions, write_conditions(request.fields()));
  TRY_ASSIGN(complete.checksums, parse_stated_checksums(request.fields()));
  const std::string* size = request.fields().find("x-amz-mp-object-size");
  if (size != nullptr) {
    complete.size_bytes = parse_u64(*size);
    if (!complete.size_bytes) {
      return Error(Code::kInvalidArgument, code::kInvalidRequest,
                   "Value for x-amz-mp-object-size header is invalid.");
    }
  }
  return complete;
}

// x-amz-checksum-type, where sent, must be what the upload began with.
async::Task<Status> check_upload_type(Service& service, const VerifiedRequest& request) {
  CO_TRY_ASSIGN(const std::optional<bool> full_object, wants_full_object(request.fields()));
  if (!full_object) co_return Status();
  std::string upload_id(request.query().get("uploadId"));
  CO_TRY_ASSIGN(const object::ListPartsPage page,
                co_await service.store.list_parts(request.bucket(), request.key(),
                                                  std::move(upload_id), 0, 0));
  // An upload without an algorithm of its own gets the default one, of the full object.
  const bool full = !page.upload.checksum_algorithm || page.upload.checksum_full_object;
  if (full == *full_object) co_return Status();
  co_return Error(Code::kInvalidArgument, code::kInvalidRequest,
                  "The upload was created using another checksum type than x-amz-checksum-type "
                  "says.");
}

// A part of what is to be protected, see check_lock_integrity.
async::Task<Status> check_part_integrity(const Call& call, const UploadBody& body) {
  if (body.has_integrity_check()) co_return Status();
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  if (bucket.settings->find(object::BucketSetting::kObjectLock) == nullptr) co_return Status();
  std::string upload_id(call.request.query().get("uploadId"));
  CO_TRY_ASSIGN(const object::ListPartsPage page,
                co_await call.service.store.list_parts(call.request.bucket(), call.request.key(),
                                                       std::move(upload_id), 0, 0));
  CO_TRY(co_await check_lock_integrity(call, body, page.upload.extras));
  co_return Status();
}

}  // namespace

AnswerTask create_multipart_upload(const Call& call) {
  object::CreateUploadRequest create;
  create.bucket = call.request.bucket();
  create.key = call.request.key();
  CO_TRY_ASSIGN(create.attributes, parse_attributes(call.request.fields()));
  CO_TRY_ASSIGN(create.extras, parse_extras(call));
  CO_TRY(parse_upload_checksum(call.request.fields(), create));
  CO_TRY_ASSIGN(create.encryption, co_await write_encryption(call));
  CO_TRY_ASSIGN(const object::UploadInfo upload,
                co_await call.service.store.create_upload(std::move(create)));
  codec::XmlWriter xml = s3_document("InitiateMultipartUploadResult");
  xml.element("Bucket", call.request.bucket()).element("Key", call.request.key());
  xml.element("UploadId", upload.upload_id);
  Answer answer = xml_answer(200, xml.finish());
  add_encryption_fields(answer.head.fields, upload.extras, true);
  if (upload.checksum_algorithm) {
    answer.head.fields.add("x-amz-checksum-algorithm",
                           std::string(digest::checksum_name(*upload.checksum_algorithm)));
    answer.head.fields.add("x-amz-checksum-type",
                           upload.checksum_full_object ? "FULL_OBJECT" : "COMPOSITE");
  }
  co_return std::move(answer);
}

AnswerTask upload_part(const Call& call) {
  CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                UploadBody::open(call.request, call.body, object::kPartBytesMax));
  object::UploadPartRequest part;
  part.bucket = call.request.bucket();
  part.key = call.request.key();
  part.upload_id = call.request.query().get("uploadId");
  CO_TRY_ASSIGN(part.part_number, part_number_parameter(call.request.query()));
  CO_TRY_ASSIGN(part.customer_key, customer_key(call.request.fields()));
  CO_TRY(co_await check_part_integrity(call, *upload));
  part.size_bytes = upload->size_bytes();
  part.checksums = upload->checksums_at_end();
  CO_TRY_ASSIGN(const object::PartInfo info,
                co_await call.service.store.upload_part(std::move(part), *upload));
  Answer answer = empty_answer(200);
  answer.head.fields.add("etag", quoted_etag(info.etag));
  add_encryption_fields(answer.head.fields, info.extras, false);
  for (const object::StoredChecksum& checksum : info.checksums) {
    answer.head.fields.add(checksum_header(checksum.algorithm), checksum_text(checksum));
  }
  co_return std::move(answer);
}

AnswerTask complete_multipart_upload(const Call& call) {
  CO_TRY_ASSIGN(
      const std::unique_ptr<UploadBody> upload,
      UploadBody::open(call.request, call.body, kCompleteXmlBytesMax, ChecksumMeaning::kOfObject));
  CO_TRY_ASSIGN(object::CompleteRequest complete, complete_request(call.request));
  CO_TRY(require_match(call, complete.conditions, complete.key));
  CO_TRY_ASSIGN(const std::string document, co_await http::read_all(*upload, kCompleteXmlBytesMax));
  CO_TRY_ASSIGN(complete.parts, parse_complete(document));
  CO_TRY(co_await check_upload_type(call.service, call.request));
  CO_TRY_ASSIGN(const object::ObjectInfo info,
                co_await call.service.store.complete_upload(std::move(complete)));
  codec::XmlWriter xml = s3_document("CompleteMultipartUploadResult");
  xml.element("Location", (call.request.head().secure ? "https://" : "http://") +
                              std::string(call.request.fields().get("host")) +
                              call.request.head().path);
  xml.element("Bucket", call.request.bucket()).element("Key", call.request.key());
  xml.element("ETag", quoted_etag(info.etag));
  write_checksums(xml, info.checksums, true);
  Answer answer = xml_answer(200, xml.finish());
  add_encryption_fields(answer.head.fields, info.extras, false);
  CO_TRY(co_await add_expiration_field(call, info, answer));
  CO_TRY(co_await add_version_field(call, call.request.bucket(), info.version_id,
                                    "x-amz-version-id", answer));
  co_return std::move(answer);
}

AnswerTask abort_multipart_upload(const Call& call) {
  std::string upload_id(call.request.query().get("uploadId"));
  CO_TRY(co_await call.service.store.abort_upload(call.request.bucket(), call.request.key(),
                                                  std::move(upload_id)));
  co_return empty_answer(204);
}

}  // namespace strata::s3
