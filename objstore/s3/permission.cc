#include "objstore/s3/permission.h"

#include "objstore/access/authorize.h"
#include "objstore/s3/errors.h"

namespace strata::s3 {

bool may(const Call& call, std::string_view action, std::string_view bucket, std::string_view key) {
  return access::authorize(call.request.caller(), action, {bucket, key}).allowed;
}

Status require(const Call& call, std::string_view action, std::string_view bucket,
               std::string_view key) {
  if (may(call, action, bucket, key)) return {};
  return Error(Code::kPermissionDenied, code::kAccessDenied, "Access Denied");
}

}  // namespace strata::s3
