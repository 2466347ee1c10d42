#include "objstore/s3/authentication_errors.h"

#include "objstore/s3/errors.h"

namespace strata::s3 {

Error one_mechanism_only() {
  return {Code::kInvalidArgument, code::kInvalidArgument,
          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
          "query string parameter or the Authorization header should be specified"};
}

Error signature_does_not_match() {
  return {Code::kPermissionDenied, code::kSignatureDoesNotMatch,
          "The request signature we calculated does not match the signature you provided. "
          "Check your key and signing method."};
}

Error version2_not_supported() {
  return {Code::kInvalidArgument, code::kInvalidRequest,
          "The authorization mechanism you have provided is not supported. Please use "
          "AWS4-HMAC-SHA256."};
}

Error no_date() {
  return {Code::kPermissionDenied, code::kAccessDenied,
          "AWS authentication requires a valid Date or x-amz-date header"};
}

Error no_signature_to_continue() {
  return {Code::kPermissionDenied, code::kAccessDenied,
          "x-amz-content-sha256 says that the chunks are signed, but the request has no "
          "AWS4-HMAC-SHA256 "
          "signature that theirs could continue."};
}

}  // namespace strata::s3
