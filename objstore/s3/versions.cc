#include "objstore/s3/versions.h"

#include <utility>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "objstore/object/version_id.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/permission.h"

namespace strata::s3 {

namespace {

// Subresources under which a new version is made, or none is meant.
bool has_no_version(std::string_view selector) {
  return selector == "uploads" || selector == "uploadId" || selector == "renameObject";
}

bool reads_or_deletes(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "DELETE";
}

}  // namespace

Result<std::optional<std::string>> version_parameter(const Query& query) {
  const std::string* id = query.find("versionId");
  if (id == nullptr) return std::optional<std::string>();
  if (id->empty()) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Version id cannot be the empty string");
  }
  return std::optional<std::string>(*id);
}

Result<object::VersionName> named_version(const VerifiedRequest& request) {
  object::VersionName name{request.bucket(), request.key(), {}};
  TRY_ASSIGN(name.version_id, version_parameter(request.query()));
  return name;
}

Status check_version_use(const OperationInfo& operation, const VerifiedRequest& request) {
  if (operation.level != Level::kObject || !request.query().has("versionId")) return {};
  const bool refused = operation.selector.empty() ? !reads_or_deletes(operation.method)
                                                  : has_no_version(operation.selector);
  if (!refused) return {};
  return Error(Code::kInvalidArgument, code::kInvalidArgument,
               "This operation does not accept a version-id.");
}

async::Task<Status> add_version_field(const Call& call, const std::string& bucket,
                                      const std::string& version_id, const char* field,
                                      Answer& answer) {
  if (version_id.empty()) co_return Status();
  if (version_id == object::kNullVersion) {
    CO_TRY_ASSIGN(const object::BucketInfo info, co_await call.service.store.bucket(bucket));
    if (object::versioning_of(info) == object::Versioning::kNever) co_return Status();
  }
  answer.head.fields.add(field, version_id);
  co_return Status();
}

async::Task<Result<object::ObjectInfo>> read_version_info(const Call& call,
                                                          const object::VersionName& name) {
  CO_TRY_ASSIGN(object::ObjectInfo info, co_await call.service.store.describe(name));
  if (!info.delete_marker) co_return std::move(info);
  if (!name.version_id) {
    co_return Error(Code::kNotFound, object::reason::kDeleted, "The specified key does not exist.");
  }
  co_return Error(Code::kInvalidArgument, object::reason::kIsDeleteMarker,
                  "The specified method is not allowed against this resource.");
}

Result<bool> bypasses_governance(const Call& call, std::string_view key) {
  const std::string* asked = call.request.fields().find("x-amz-bypass-governance-retention");
  if (asked == nullptr || !ascii_iequals(*asked, "true")) return false;
  TRY(require(call, "s3:BypassGovernanceRetention", call.request.bucket(), key));
  return true;
}

AnswerTask explain_missing(const Call& call, object::VersionName name, Error error) {
  const bool by_id = error.reason == object::reason::kIsDeleteMarker;
  if (!by_id && error.reason != object::reason::kDeleted) co_return std::move(error);
  const Result<object::ObjectInfo> marker = co_await call.service.store.describe(std::move(name));
  // It may have gone meanwhile: then there is nothing to tell of it.
  if (!marker.ok() || !marker->delete_marker) co_return std::move(error);
  Answer answer = empty_answer(0);
  answer.head.fields.add("x-amz-delete-marker", "true");
  answer.head.fields.add("x-amz-version-id", marker->version_id);
  if (by_id) {
    answer.head.fields.add("last-modified", codec::format_http_date(marker->modified));
    answer.head.fields.add("allow", "DELETE");
  }
  answer.error = std::move(error);
  co_return std::move(answer);
}

}  // namespace strata::s3
