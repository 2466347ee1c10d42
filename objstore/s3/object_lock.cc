// Object lock: a bucket's configuration, a version's retention and legal hold.
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/object/object_lock.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/object_extras.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/versions.h"
#include "objstore/s3/xml_configurations.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

// Retention and hold exist only where the bucket has object lock.
async::Task<Status> require_locked_bucket(const Call& call) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  if (bucket.settings->find(object::BucketSetting::kObjectLock) != nullptr) co_return Status();
  co_return Error(Code::kInvalidArgument, code::kInvalidRequest,
                  "Bucket is missing Object Lock Configuration");
}

Error not_configured() {
  return {Code::kNotFound, "NoSuchObjectLockConfiguration",
          "The specified object does not have a ObjectLock configuration"};
}

}  // namespace

AnswerTask get_object_lock_configuration(const Call& call) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  CO_TRY_ASSIGN(const std::optional<object::LockConfiguration> lock, object::lock_of(bucket));
  if (!lock) {
    co_return Error(Code::kNotFound, "ObjectLockConfigurationNotFoundError",
                    "Object Lock configuration does not exist for this bucket");
  }
  codec::XmlWriter xml = s3_document("ObjectLockConfiguration");
  xml.element("ObjectLockEnabled", "Enabled");
  if (const auto& retention = lock->default_retention) {
    xml.open("Rule").open("DefaultRetention");
    xml.element("Mode", retention_mode_text(retention->mode));
    if (retention->days > 0) xml.element("Days", uint64_t{retention->days});
    if (retention->years > 0) xml.element("Years", uint64_t{retention->years});
  }
  co_return xml_answer(200, xml.finish());
}

AnswerTask put_object_lock_configuration(const Call& call) {
  CO_TRY_ASSIGN(const std::string document,
                co_await read_document(call, kConfigurationXmlBytesMax));
  CO_TRY_ASSIGN(object::LockConfiguration configuration, parse_object_lock(document));
  CO_TRY(co_await call.service.store.set_object_lock(call.request.bucket(), configuration));
  co_return empty_answer(200);
}

AnswerTask get_object_retention(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  CO_TRY(co_await require_locked_bucket(call));
  CO_TRY_ASSIGN(const object::ObjectInfo info, co_await read_version_info(call, name));
  const std::optional<object::Retention>& retention = info.extras.retention;
  if (!retention) co_return not_configured();
  codec::XmlWriter xml = s3_document("Retention");
  xml.element("Mode", retention_mode_text(retention->mode));
  xml.element("RetainUntilDate", codec::format_iso8601(retention->until));
  co_return xml_answer(200, xml.finish());
}

AnswerTask put_object_retention(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  const Result<std::string> document = co_await read_document(call, kConfigurationXmlBytesMax);
  Result<std::optional<object::Retention>> parsed =
      document.ok() ? parse_retention(*document) : document.error();
  Stated stated;
  if (parsed.ok()) stated.retention = *parsed;
  CO_TRY(co_await admit_stated(call.service, call.operation, call.request, call.rules, stated));
  CO_TRY_ASSIGN(const std::optional<object::Retention> retention, std::move(parsed));
  CO_TRY_ASSIGN(const bool bypass, bypasses_governance(call, name.key));
  object::VersionName named = name;
  const Result<object::ObjectInfo> done =
      co_await call.service.store.set_retention(std::move(named), retention, bypass);
  if (done.ok()) co_return empty_answer(200);
  Error error = done.error();
  Result<Answer> answer = co_await explain_missing(call, std::move(name), std::move(error));
  co_return std::move(answer);
}

AnswerTask get_object_legal_hold(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  CO_TRY(co_await require_locked_bucket(call));
  CO_TRY_ASSIGN(const object::ObjectInfo info, co_await read_version_info(call, name));
  if (!info.extras.legal_hold) co_return not_configured();
  codec::XmlWriter xml = s3_document("LegalHold");
  xml.element("Status", *info.extras.legal_hold ? "ON" : "OFF");
  co_return xml_answer(200, xml.finish());
}

AnswerTask put_object_legal_hold(const Call& call) {
  CO_TRY_ASSIGN(object::VersionName name, named_version(call.request));
  const Result<std::string> document = co_await read_document(call, kConfigurationXmlBytesMax);
  const Result<bool> parsed = document.ok() ? parse_legal_hold(*document) : document.error();
  Stated stated;
  if (parsed.ok()) stated.legal_hold = *parsed;
  CO_TRY(co_await admit_stated(call.service, call.operation, call.request, call.rules, stated));
  CO_TRY_ASSIGN(const bool hold, parsed);
  object::VersionName named = name;
  const Result<object::ObjectInfo> done =
      co_await call.service.store.set_legal_hold(std::move(named), hold);
  if (done.ok()) co_return empty_answer(200);
  Error error = done.error();
  Result<Answer> answer = co_await explain_missing(call, std::move(name), std::move(error));
  co_return std::move(answer);
}

}  // namespace strata::s3
