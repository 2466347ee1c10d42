// Versions on the wire: the versionId of a request, and what answers say of the version they are
// about.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.h"
#include "objstore/s3/answer.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/query.h"

namespace strata::s3 {

// kInvalidArgument for an empty one. Whether it can be an id is the object room's matter.
[[nodiscard]] Result<std::optional<std::string>> version_parameter(const Query& query);
// The version that the request's path and query name.
[[nodiscard]] Result<object::VersionName> named_version(const VerifiedRequest& request);
// kInvalidArgument where a version is named and the operation makes its own, or has none.
[[nodiscard]] Status check_version_use(const OperationInfo& operation,
                                       const VerifiedRequest& request);

// Adds a field with the version's id, if the bucket keeps versions or once did: elsewhere S3 says
// nothing of the one version "null". What is passed by reference outlives the task.
[[nodiscard]] async::Task<Status> add_version_field(const Call& call, const std::string& bucket,
                                                    const std::string& version_id,
                                                    const char* field, Answer& answer);

// A version without its bytes. A delete marker is the object room's error that says so. The name
// outlives the task.
[[nodiscard]] async::Task<Result<object::ObjectInfo>> read_version_info(
    const Call& call, const object::VersionName& name);

// Whether x-amz-bypass-governance-retention asks for it: AccessDenied if the caller may not.
[[nodiscard]] Result<bool> bypasses_governance(const Call& call, std::string_view key);

// The answer to a read that failed: where a delete marker was in the way, with what S3 tells of it.
[[nodiscard]] AnswerTask explain_missing(const Call& call, object::VersionName name, Error error);

}  // namespace strata::s3
