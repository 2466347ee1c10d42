// PutObject.
#include <utility>

#include "objstore/s3/operations.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/upload_body.h"

namespace strata::s3 {

AnswerTask put_object(const Call& call) {
  CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                UploadBody::open(call.request, call.body, object::kSinglePutBytesMax));
  object::PutRequest put;
  put.bucket = call.request.bucket();
  put.key = call.request.key();
  CO_TRY_ASSIGN(put.attributes, parse_attributes(call.request.fields()));
  CO_TRY_ASSIGN(put.conditions, write_conditions(call.request.fields()));
  put.size_bytes = upload->size_bytes();
  put.checksums = upload->checksums_at_end();
  CO_TRY_ASSIGN(const object::ObjectInfo info,
                co_await call.service.store.put(std::move(put), *upload));
  Answer answer = empty_answer(200);
  answer.head.fields.add("etag", quoted(info.etag));
  add_checksum_fields(answer.head.fields, info.checksums);
  co_return std::move(answer);
}

}  // namespace strata::s3
