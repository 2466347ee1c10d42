#include "objstore/s3/errors.h"

#include "common/codec/xml.h"
#include "common/sigv4/authorization.h"
#include "common/sigv4/chunked_decoder.h"
#include "common/sigv4/version2.h"
#include "objstore/access/policy.h"
#include "objstore/encryption/vault.h"
#include "objstore/object/checksums.h"
#include "objstore/object/types.h"
#include "objstore/settings/document.h"

namespace strata::s3 {

namespace {

struct Mapping {
  std::string_view reason;
  std::string_view code;
  int status;
};

constexpr Mapping kByReason[] = {
    // Of the object room.
    {object::reason::kNoSuchBucket, "NoSuchBucket", 404},
    {object::reason::kNoSuchKey, "NoSuchKey", 404},
    {object::reason::kNoSuchUpload, "NoSuchUpload", 404},
    {object::reason::kBucketExists, "BucketAlreadyOwnedByYou", 409},
    {object::reason::kTooManyBuckets, "TooManyBuckets", 400},
    {object::reason::kBucketNotEmpty, "BucketNotEmpty", 409},
    {object::reason::kInvalidBucketName, "InvalidBucketName", 400},
    {object::reason::kInvalidKey, "InvalidURI", 400},
    {object::reason::kKeyTooLong, "KeyTooLongError", 400},
    {object::reason::kMetadataTooLarge, "MetadataTooLarge", 400},
    {object::reason::kEntityTooLarge, "EntityTooLarge", 400},
    {object::reason::kEntityTooSmall, "EntityTooSmall", 400},
    {object::reason::kInvalidPart, "InvalidPart", 400},
    {object::reason::kInvalidPartOrder, "InvalidPartOrder", 400},
    {object::reason::kInvalidPartNumber, "InvalidPartNumber", 416},
    {object::reason::kInvalidRange, "InvalidRange", 416},
    {object::reason::kBadDigest, "BadDigest", 400},
    {object::kReasonChecksumType, "InvalidRequest", 400},
    {object::reason::kConditionalConflict, "ConditionalRequestConflict", 409},
    {object::reason::kCopyToItself, "InvalidRequest", 400},
    {object::reason::kNoSuchVersion, "NoSuchVersion", 404},
    {object::reason::kInvalidVersionId, "InvalidArgument", 400},
    {object::reason::kDeleted, "NoSuchKey", 404},
    {object::reason::kIsDeleteMarker, "MethodNotAllowed", 405},
    {object::reason::kInvalidTag, "InvalidTag", 400},
    {object::reason::kTooManyTags, "BadRequest", 400},
    {object::reason::kLocked, "AccessDenied", 403},
    {object::reason::kInvalidBucketState, "InvalidBucketState", 409},
    {object::reason::kBucketNotLockable, "InvalidRequest", 400},
    {object::reason::kInvalidLockRequest, "InvalidArgument", 400},
    {object::reason::kInvalidCopyRange, "InvalidArgument", 400},
    {object::reason::kTooFewDrives, "ServiceUnavailable", 503},
    // Of the signature room.
    {sigv4::kReasonHeaderMalformed, "AuthorizationHeaderMalformed", 400},
    {sigv4::kReasonQueryMalformed, "AuthorizationQueryParametersError", 400},
    {sigv4::kReasonUnsupportedAlgorithm, "NotImplemented", 501},
    {sigv4::kReasonUnsupportedScheme, "InvalidArgument", 400},
    {sigv4::kReasonBadContentSha256, "InvalidArgument", 400},
    {sigv4::kReasonTimeSkewed, "RequestTimeTooSkewed", 403},
    {sigv4::kReasonExpired, "AccessDenied", 403},
    {sigv4::kReasonNotYetValid, "AccessDenied", 403},
    {sigv4::kReasonHeadersNotSigned, "AccessDenied", 403},
    {sigv4::kReasonSignedHeaderMissing, "AccessDenied", 403},
    {sigv4::kReasonBadRequestTarget, "InvalidURI", 400},
    {sigv4::kReasonV2Malformed, "InvalidArgument", 400},
    {sigv4::kReasonV2QueryMalformed, "AccessDenied", 403},
    {sigv4::kReasonBadChunk, "InvalidRequest", 400},
    {sigv4::kReasonChunkTooLarge, "EntityTooLarge", 400},
    {sigv4::kReasonBadTrailer, "MalformedTrailerError", 400},
    {sigv4::kReasonIncompleteBody, "IncompleteBody", 400},
    // Of this room: the reason is the code.
    {code::kAccessDenied, code::kAccessDenied, 403},
    {code::kAclNotSupported, code::kAclNotSupported, 400},
    {code::kAclWithOwnership, code::kAclWithOwnership, 400},
    {code::kAclWithPublicAccessBlock, code::kAclWithPublicAccessBlock, 400},
    {code::kAccessForbidden, code::kAccessForbidden, 403},
    {code::kInvalidEncryptionAlgorithm, code::kInvalidEncryptionAlgorithm, 400},
    {code::kKmsNotFound, code::kKmsNotFound, 400},
    // Of bucket settings and of encryption.
    {settings::reason::kMalformedXml, code::kMalformedXml, 400},
    {settings::reason::kInvalidRequest, code::kInvalidRequest, 400},
    {settings::reason::kInvalidArgument, code::kInvalidArgument, 400},
    {settings::reason::kUnsupported, code::kNotImplemented, 501},
    {encryption::kKeyNeededReason, code::kInvalidRequest, 400},
    {encryption::kKeyNotApplicableReason, code::kInvalidRequest, 400},
    {encryption::kWrongKeyReason, code::kAccessDenied, 403},
    {code::kAuthorizationHeaderMalformed, code::kAuthorizationHeaderMalformed, 400},
    {code::kAuthorizationQueryError, code::kAuthorizationQueryError, 400},
    {code::kBadDigest, code::kBadDigest, 400},
    {code::kBadRequest, code::kBadRequest, 400},
    {code::kContentSha256Mismatch, code::kContentSha256Mismatch, 400},
    {code::kEntityTooLarge, code::kEntityTooLarge, 400},
    {code::kEntityTooSmall, code::kEntityTooSmall, 400},
    {code::kExpiredToken, code::kExpiredToken, 400},
    {code::kIllegalLocation, code::kIllegalLocation, 400},
    {code::kIllegalVersioning, code::kIllegalVersioning, 400},
    {code::kIncompleteBody, code::kIncompleteBody, 400},
    {code::kInvalidAccessKeyId, code::kInvalidAccessKeyId, 403},
    {code::kInvalidArgument, code::kInvalidArgument, 400},
    {code::kInvalidDigest, code::kInvalidDigest, 400},
    {code::kInvalidExpectedOwner, code::kInvalidExpectedOwner, 400},
    {code::kInvalidLocation, code::kInvalidLocation, 400},
    {code::kInvalidPolicyDocument, code::kInvalidPolicyDocument, 400},
    {code::kInvalidRedirect, code::kInvalidRedirect, 400},
    {code::kInvalidRequest, code::kInvalidRequest, 400},
    {code::kInvalidStorageClass, code::kInvalidStorageClass, 400},
    {code::kInvalidToken, code::kInvalidToken, 400},
    {code::kInvalidUri, code::kInvalidUri, 400},
    {code::kMalformedAcl, code::kMalformedAcl, 400},
    {code::kMalformedPost, code::kMalformedPost, 400},
    {code::kMalformedTrailer, code::kMalformedTrailer, 400},
    {code::kMalformedXml, code::kMalformedXml, 400},
    {code::kMaxPostPreDataLengthExceeded, code::kMaxPostPreDataLengthExceeded, 400},
    {code::kMethodNotAllowed, code::kMethodNotAllowed, 405},
    {code::kMissingContentLength, code::kMissingContentLength, 411},
    {code::kMissingRequestBody, code::kMissingRequestBody, 400},
    {code::kMissingSecurityHeader, code::kMissingSecurityHeader, 400},
    {code::kNotImplemented, code::kNotImplemented, 501},
    {code::kSignatureDoesNotMatch, code::kSignatureDoesNotMatch, 403},
    {code::kUnexpectedContent, code::kUnexpectedContent, 400},
    {code::kUnresolvableGrant, code::kUnresolvableGrant, 400},
    {access::kMalformedPolicy, "MalformedPolicy", 400},
    {object::reason::kBucketOfAnother, "BucketAlreadyExists", 409},
    {"InvalidBucketName", "InvalidBucketName", 400},
    // What was never configured: the answers of the route table's unset rows.
    {"NoSuchBucketPolicy", "NoSuchBucketPolicy", 404},
    {"NoSuchConfiguration", "NoSuchConfiguration", 404},
    {"NoSuchTagSet", "NoSuchTagSet", 404},
    {"NoSuchObjectLockConfiguration", "NoSuchObjectLockConfiguration", 404},
    {"NoSuchLifecycleConfiguration", "NoSuchLifecycleConfiguration", 404},
    {"NoSuchCORSConfiguration", "NoSuchCORSConfiguration", 404},
    {"NoSuchWebsiteConfiguration", "NoSuchWebsiteConfiguration", 404},
    {"NoSuchPublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration", 404},
    {"OwnershipControlsNotFoundError", "OwnershipControlsNotFoundError", 404},
    {"ReplicationConfigurationNotFoundError", "ReplicationConfigurationNotFoundError", 404},
    {"ObjectLockConfigurationNotFoundError", "ObjectLockConfigurationNotFoundError", 404},
    {"ServerSideEncryptionConfigurationNotFoundError",
     "ServerSideEncryptionConfigurationNotFoundError", 404},
};

// For errors whose reason is empty or not ours.
Mapping by_code(Code error_code) {
  switch (error_code) {
    case Code::kInvalidArgument:
      return {"", "InvalidArgument", 400};
    case Code::kNotFound:
      return {"", "NoSuchKey", 404};
    case Code::kAlreadyExists:
      return {"", "BucketAlreadyExists", 409};
    case Code::kPreconditionFailed:
      return {"", "PreconditionFailed", 412};
    case Code::kNotModified:
      return {"", "NotModified", 304};
    case Code::kConflict:
      return {"", "OperationAborted", 409};
    case Code::kOutOfRange:
      return {"", "InvalidRange", 416};
    case Code::kTooLarge:
      return {"", "EntityTooLarge", 400};
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
      return {"", "AccessDenied", 403};
    case Code::kUnsupported:
      return {"", "NotImplemented", 501};
    case Code::kNoSpace:
      return {"", "InsufficientStorage", 507};
    case Code::kBusy:
      return {"", "SlowDown", 503};
    case Code::kTimeout:
      return {"", "RequestTimeout", 400};
    case Code::kClosed:
      return {"", "ServiceUnavailable", 503};
    case Code::kIo:
    case Code::kCorrupt:
    case Code::kInternal:
      break;
  }
  return {"", "InternalError", 500};
}

// S3's own sentence, where ours would tell of internals or say less.
std::string_view fixed_message(std::string_view wire_code) {
  if (wire_code == "InternalError") return "We encountered an internal error. Please try again.";
  if (wire_code == "SlowDown") return "Please reduce your request rate.";
  if (wire_code == "ServiceUnavailable") return "Please reduce your request rate or try later.";
  if (wire_code == "InsufficientStorage") {
    return "The storage has no room for this. Delete something or add a drive.";
  }
  if (wire_code == "NoSuchBucket") return "The specified bucket does not exist";
  if (wire_code == "NoSuchKey") return "The specified key does not exist.";
  if (wire_code == "NoSuchVersion") return "The specified version does not exist.";
  if (wire_code == "NoSuchUpload") {
    return "The specified upload does not exist. The upload ID may be invalid, or the upload may "
           "have been aborted or completed.";
  }
  if (wire_code == "PreconditionFailed") {
    return "At least one of the pre-conditions you specified did not hold";
  }
  if (wire_code == "BucketNotEmpty") return "The bucket you tried to delete is not empty";
  if (wire_code == "InvalidRange") return "The requested range is not satisfiable";
  return {};
}

}  // namespace

WireError to_wire(const Error& error) {
  Mapping mapping = by_code(error.code);
  if (!error.reason.empty()) {
    for (const Mapping& row : kByReason) {
      if (row.reason == error.reason) {
        mapping = row;
        break;
      }
    }
  }
  WireError wire{mapping.code, mapping.status, std::string(fixed_message(mapping.code))};
  if (error.reason == object::reason::kTooFewDrives) {
    wire.message = "Too few of the drives that hold this are in service. Try again later.";
  }
  if (wire.message.empty()) wire.message = error.message;
  return wire;
}

std::string render_error(const WireError& error, const ErrorContext& context) {
  codec::XmlWriter xml("Error", "");
  xml.element("Code", error.code).element("Message", error.message);
  const auto optional = [&xml](std::string_view name, std::string_view value) {
    if (!value.empty()) xml.element(name, value);
  };
  optional("BucketName", context.bucket);
  optional("Key", context.key);
  optional("Region", context.region);
  optional("Method", context.method);
  optional("ResourceType", context.resource_type);
  optional("RangeRequested", context.range);
  optional("ActualObjectSize", context.object_size);
  optional("Resource", context.resource);
  optional("RequestId", context.request_id);
  optional("HostId", context.host_id);
  return xml.finish();
}

std::string_view code_of_status(int status) noexcept {
  switch (status) {
    case 405:
      return "MethodNotAllowed";
    case 408:
      return "RequestTimeout";
    case 411:
      return "MissingContentLength";
    case 413:
      return "EntityTooLarge";
    case 414:
      return "InvalidURI";
    case 431:
      return "RequestHeaderSectionTooLarge";
    case 500:
      return "InternalError";
    case 501:
      return "NotImplemented";
    case 503:
      return "SlowDown";
    default:
      return "BadRequest";
  }
}

Error not_implemented(std::string_view what) {
  return {Code::kUnsupported, code::kNotImplemented,
          "A header or query you provided implies functionality that is not implemented: " +
              std::string(what)};
}

}  // namespace strata::s3
