// Tags of objects and of buckets.
#include <utility>

#include "objstore/object/tags.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/versions.h"
#include "objstore/s3/xml_configurations.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

// The answer of a change, with the version that it changed.
AnswerTask changed(const Call& call, object::VersionName name, object::Tags tags, int status) {
  const object::VersionName named = name;
  Result<object::ObjectInfo> done =
      co_await call.service.store.set_tags(std::move(name), std::move(tags));
  if (!done.ok()) {
    Error error = std::move(done).error();
    object::VersionName copy = named;
    Result<Answer> answer = co_await explain_missing(call, std::move(copy), std::move(error));
    co_return std::move(answer);
  }
  Answer answer = empty_answer(status);
  CO_TRY(
      co_await add_version_field(call, named.bucket, done->version_id, "x-amz-version-id", answer));
  co_return std::move(answer);
}

}  // namespace

AnswerTask get_object_tagging(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  CO_TRY_ASSIGN(const object::ObjectInfo info, co_await read_version_info(call, name));
  Answer answer = xml_answer(200, render_tagging(info.extras.tags));
  CO_TRY(co_await add_version_field(call, call.request.bucket(), info.version_id,
                                    "x-amz-version-id", answer));
  co_return std::move(answer);
}

AnswerTask put_object_tagging(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  const Result<std::string> document = co_await read_document(call, kConfigurationXmlBytesMax);
  Result<object::Tags> parsed = document.ok() ? parse_tagging(*document) : document.error();
  Stated stated;
  if (parsed.ok()) stated.tags = &*parsed;
  CO_TRY(co_await admit_stated(call.service, call.operation, call.request, call.rules, stated));
  CO_TRY_ASSIGN(object::Tags tags, std::move(parsed));
  Result<Answer> answer = co_await changed(call, std::move(name), std::move(tags), 200);
  co_return std::move(answer);
}

AnswerTask delete_object_tagging(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  object::Tags none;
  Result<Answer> answer = co_await changed(call, std::move(name), std::move(none), 204);
  co_return std::move(answer);
}

AnswerTask get_bucket_tagging(const Call& call) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  const std::string* document = bucket.settings->find(object::BucketSetting::kTagging);
  if (document == nullptr) {
    co_return Error(Code::kNotFound, "NoSuchTagSet", "The TagSet does not exist");
  }
  co_return xml_answer(200, *document);
}

AnswerTask put_bucket_tagging(const Call& call) {
  CO_TRY_ASSIGN(const std::string document,
                co_await read_document(call, kConfigurationXmlBytesMax));
  CO_TRY_ASSIGN(const object::Tags tags, parse_tagging(document));
  CO_TRY(object::check_tags(tags, object::kBucketTagsMax));
  std::string kept = render_tagging(tags);
  CO_TRY(co_await call.service.store.set_bucket_setting(
      call.request.bucket(), object::BucketSetting::kTagging, std::move(kept)));
  co_return empty_answer(204);
}

AnswerTask delete_bucket_tagging(const Call& call) {
  CO_TRY(co_await call.service.store.set_bucket_setting(
      call.request.bucket(), object::BucketSetting::kTagging, std::nullopt));
  co_return empty_answer(204);
}

}  // namespace strata::s3
