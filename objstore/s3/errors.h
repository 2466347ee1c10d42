// The one place where errors become S3's: code, status and XML.
//
// Rooms below say what happened with a Code and a reason. This room's own errors carry S3's code as
// their reason. Source: Amazon S3 API reference, "Error responses".
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace strata::s3 {

// S3's error codes that this room raises itself; they serve as Error::reason.
namespace code {
inline constexpr std::string_view kAccessDenied = "AccessDenied";
inline constexpr std::string_view kAclNotSupported = "AccessControlListNotSupported";
inline constexpr std::string_view kAclWithOwnership = "InvalidBucketAclWithObjectOwnership";
inline constexpr std::string_view kAclWithPublicAccessBlock =
    "InvalidBucketAclWithBlockPublicAccessError";
inline constexpr std::string_view kAccessForbidden = "AccessForbidden";
inline constexpr std::string_view kAuthorizationHeaderMalformed = "AuthorizationHeaderMalformed";
inline constexpr std::string_view kAuthorizationQueryError = "AuthorizationQueryParametersError";
inline constexpr std::string_view kBadDigest = "BadDigest";
inline constexpr std::string_view kBadRequest = "BadRequest";
inline constexpr std::string_view kContentSha256Mismatch = "XAmzContentSHA256Mismatch";
inline constexpr std::string_view kEntityTooLarge = "EntityTooLarge";
inline constexpr std::string_view kEntityTooSmall = "EntityTooSmall";
inline constexpr std::string_view kExpiredToken = "ExpiredToken";
inline constexpr std::string_view kIllegalLocation = "IllegalLocationConstraintException";
inline constexpr std::string_view kIllegalVersioning = "IllegalVersioningConfigurationException";
inline constexpr std::string_view kIncompleteBody = "IncompleteBody";
inline constexpr std::string_view kInvalidAccessKeyId = "InvalidAccessKeyId";
inline constexpr std::string_view kInvalidArgument = "InvalidArgument";
inline constexpr std::string_view kInvalidDigest = "InvalidDigest";
inline constexpr std::string_view kInvalidLocation = "InvalidLocationConstraint";
inline constexpr std::string_view kInvalidExpectedOwner = "InvalidBucketOwnerAWSAccountID";
inline constexpr std::string_view kInvalidRedirect = "InvalidRedirectLocation";
inline constexpr std::string_view kInvalidPolicyDocument = "InvalidPolicyDocument";
inline constexpr std::string_view kInvalidEncryptionAlgorithm = "InvalidEncryptionAlgorithmError";
inline constexpr std::string_view kInvalidRequest = "InvalidRequest";
inline constexpr std::string_view kInvalidStorageClass = "InvalidStorageClass";
inline constexpr std::string_view kInvalidToken = "InvalidToken";
inline constexpr std::string_view kInvalidUri = "InvalidURI";
inline constexpr std::string_view kMalformedAcl = "MalformedACLError";
inline constexpr std::string_view kMalformedPost = "MalformedPOSTRequest";
inline constexpr std::string_view kKmsNotFound = "KMS.NotFoundException";
inline constexpr std::string_view kMalformedTrailer = "MalformedTrailerError";
inline constexpr std::string_view kMalformedXml = "MalformedXML";
inline constexpr std::string_view kMaxPostPreDataLengthExceeded = "MaxPostPreDataLengthExceeded";
inline constexpr std::string_view kMethodNotAllowed = "MethodNotAllowed";
inline constexpr std::string_view kMissingContentLength = "MissingContentLength";
inline constexpr std::string_view kMissingRequestBody = "MissingRequestBodyError";
inline constexpr std::string_view kMissingSecurityHeader = "MissingSecurityHeader";
inline constexpr std::string_view kNotImplemented = "NotImplemented";
inline constexpr std::string_view kSignatureDoesNotMatch = "SignatureDoesNotMatch";
inline constexpr std::string_view kUnexpectedContent = "UnexpectedContent";
inline constexpr std::string_view kUnresolvableGrant = "UnresolvableGrantByEmailAddress";
}  // namespace code

// An error as S3 words it.
struct WireError {
  std::string_view code;
  int status = 500;
  std::string message;
};
// Never tells of internals: what is wrong inside is for the log.
[[nodiscard]] WireError to_wire(const Error& error);

// What the error document says beside code and message; empty fields are left out.
struct ErrorContext {
  std::string_view resource;  // the path as sent, still encoded
  std::string_view bucket;
  std::string_view key;
  std::string_view region;         // the right one, when the request named another
  std::string_view method;         // of a preflight: the method that was asked for
  std::string_view resource_type;  // and of what: BUCKET or OBJECT
  std::string_view range;          // that an object does not have
  std::string_view object_size;    // and how long it is
  std::string_view request_id;
  std::string_view host_id;
};
[[nodiscard]] std::string render_error(const WireError& error, const ErrorContext& context);

// The S3 code for a refusal by status alone (a request that did not parse, overload).
[[nodiscard]] std::string_view code_of_status(int status) noexcept;

[[nodiscard]] Error not_implemented(std::string_view what);

}  // namespace strata::s3
