// PutObject.
#include <utility>

#include "objstore/s3/encryption_fields.h"
#include "objstore/s3/expiration_field.h"
#include "objstore/s3/object_extras.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/upload_body.h"
#include "objstore/s3/versions.h"

namespace strata::s3 {

AnswerTask put_object(const Call& call) {
  CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                UploadBody::open(call.request, call.body, object::kSinglePutBytesMax));
  object::PutRequest put;
  put.bucket = call.request.bucket();
  put.key = call.request.key();
  CO_TRY_ASSIGN(put.attributes, parse_attributes(call.request.fields()));
  CO_TRY_ASSIGN(put.extras, parse_extras(call));
  CO_TRY(co_await check_lock_integrity(call, *upload, put.extras));
  CO_TRY_ASSIGN(put.conditions, write_conditions(call.request.fields()));
  CO_TRY(require_match(call, put.conditions, put.key));
  CO_TRY_ASSIGN(put.encryption, co_await write_encryption(call));
  put.size_bytes = upload->size_bytes();
  upload->add_default_checksum();
  put.checksums = upload->checksums_at_end();
  CO_TRY_ASSIGN(const object::ObjectInfo info,
                co_await call.service.store.put(std::move(put), *upload));
  Answer answer = empty_answer(200);
  answer.head.fields.add("etag", quoted_etag(info.etag));
  add_checksum_fields(answer.head.fields, info.checksums);
  add_encryption_fields(answer.head.fields, info.extras, true);
  CO_TRY(co_await add_expiration_field(call, info, answer));
  CO_TRY(co_await add_version_field(call, call.request.bucket(), info.version_id,
                                    "x-amz-version-id", answer));
  co_return std::move(answer);
}

}  // namespace strata::s3
