// What a request says of a new version besides its bytes and their description: x-amz-tagging and
// x-amz-object-lock-*, and who writes it.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/upload_body.h"

namespace strata::s3 {

// "key=value&key=value", percent-encoded. kInvalidArgument/InvalidArgument for another form, the
// object room's errors for tags that may not be.
[[nodiscard]] Result<object::Tags> parse_tagging_field(std::string_view field);

// GOVERNANCE or COMPLIANCE; kInvalidArgument otherwise.
[[nodiscard]] Result<object::RetentionMode> parse_retention_mode(std::string_view text);
[[nodiscard]] std::string_view retention_mode_text(object::RetentionMode mode) noexcept;

// Whose a version is that the call makes, as records keep it: the caller's, or the bucket owner's
// where ownership is enforced.
[[nodiscard]] std::string owner_of_new(const Call& call);

// Where a version is to be protected, by what the request says or by the bucket's default, S3 takes
// its bytes only with Content-MD5 or a checksum of them. `stated`: retention and legal hold of the
// request or of its upload. What is passed outlives the task.
[[nodiscard]] async::Task<Status> check_lock_integrity(const Call& call, const UploadBody& body,
                                                       const object::Extras& stated);

// Owner, access control list, tags, retention and legal hold. Asks access for what these need:
// s3:PutObjectAcl, s3:PutObjectTagging, s3:PutObjectRetention, s3:PutObjectLegalHold on the
// request's own object.
[[nodiscard]] Result<object::Extras> parse_extras(const Call& call);

}  // namespace strata::s3
