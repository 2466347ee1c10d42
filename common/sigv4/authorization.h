// How a request says who signed it: the Authorization header or the parameters of a presigned URL.
//
// Everything here is a pure function of its arguments, bounded, and safe from any thread.
// Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sigv4/scope.h"

namespace strata::sigv4 {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

inline constexpr size_t kAuthorizationBytesMax = 8 * kKiB;
inline constexpr size_t kSignedHeadersMax = 128;
inline constexpr size_t kSecurityTokenBytesMax = 8 * kKiB;
inline constexpr std::chrono::seconds kPresignedValidityMax{604'800};  // seven days
inline constexpr std::chrono::minutes kClockSkewMax{15};

// Reasons of the errors of this folder; the wire maps them to S3's codes.
inline constexpr std::string_view kReasonHeaderMalformed =
    "authorization_header_malformed";  // AuthorizationHeaderMalformed, 400
inline constexpr std::string_view kReasonQueryMalformed =
    "authorization_query_parameters_error";  // AuthorizationQueryParametersError, 400
inline constexpr std::string_view kReasonUnsupportedAlgorithm =
    "unsupported_signature_algorithm";  // kUnsupported: NotImplemented, 501 (SigV4A)
inline constexpr std::string_view kReasonUnsupportedScheme =
    "unsupported_authorization_type";  // InvalidArgument, 400
inline constexpr std::string_view kReasonBadContentSha256 =
    "invalid_content_sha256";  // InvalidArgument, 400
inline constexpr std::string_view kReasonTimeSkewed =
    "request_time_too_skewed";                                         // RequestTimeTooSkewed, 403
inline constexpr std::string_view kReasonExpired = "request_expired";  // AccessDenied, 403
inline constexpr std::string_view kReasonNotYetValid =
    "request_not_yet_valid";  // AccessDenied, 403
inline constexpr std::string_view kReasonHeadersNotSigned =
    "headers_not_signed";  // AccessDenied, 403
inline constexpr std::string_view kReasonSignedHeaderMissing =
    "signed_header_missing";  // AccessDenied, 403
inline constexpr std::string_view kReasonBadRequestTarget =
    "bad_request_target";  // InvalidURI, 400

struct Authorization {
  Credential credential;
  std::vector<std::string> signed_headers;  // lower case, sorted, no duplicates, at least one
  std::string signature;                    // 64 lower-case hex digits
};

// The value of an Authorization header:
//   AWS4-HMAC-SHA256 Credential=..., SignedHeaders=a;b, Signature=...
// The three fields in any order, each once, with or without spaces after the commas.
// kInvalidArgument kReasonHeaderMalformed or kReasonUnsupportedScheme, kUnsupported
// kReasonUnsupportedAlgorithm.
[[nodiscard]] Result<Authorization> parse_authorization(std::string_view value);

struct Presigned {
  Authorization authorization;
  std::string amz_date;  // X-Amz-Date as given: 20130524T000000Z
  Time signed_at{};
  std::chrono::seconds expires{};  // 1 s to 7 days
  std::string security_token;      // empty when absent
};

// Whether the raw query holds X-Amz-Algorithm, X-Amz-Credential or X-Amz-Signature.
[[nodiscard]] bool is_presigned(std::string_view raw_query) noexcept;

// The X-Amz-* parameters of a presigned URL from the raw query; each needed one exactly once.
// kInvalidArgument kReasonQueryMalformed, or kUnsupported kReasonUnsupportedAlgorithm.
[[nodiscard]] Result<Presigned> parse_presigned(std::string_view raw_query);

// "20130524T000000Z", whose day must be the scope's. kInvalidArgument with `reason`.
[[nodiscard]] Result<Time> parse_amz_date(std::string_view text, const Scope& scope,
                                          std::string_view reason);

// kPermissionDenied kReasonTimeSkewed when signed more than kClockSkewMax away from now.
[[nodiscard]] Status check_clock_skew(Time signed_at, Time now);
// kPermissionDenied kReasonExpired when now is past signed_at + expires; kReasonNotYetValid when
// signed_at is more than kClockSkewMax in the future.
[[nodiscard]] Status check_presigned_time(const Presigned& presigned, Time now);

// What x-amz-content-sha256 promises about the body.
enum class PayloadKind {
  kUnsigned,                 // UNSIGNED-PAYLOAD
  kSha256,                   // the hash of the whole body
  kStreamingSigned,          // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  kStreamingSignedTrailer,   // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  kStreamingUnsignedTrailer  // STREAMING-UNSIGNED-PAYLOAD-TRAILER
};
struct Payload {
  PayloadKind kind = PayloadKind::kUnsigned;
  std::string sha256;  // raw, 32 bytes, only for kSha256
  [[nodiscard]] bool is_aws_chunked() const noexcept {
    return kind != PayloadKind::kUnsigned && kind != PayloadKind::kSha256;
  }
};
// kInvalidArgument kReasonBadContentSha256; kUnsupported for the ECDSA (SigV4A) forms.
[[nodiscard]] Result<Payload> parse_content_sha256(std::string_view value);

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kStreamingSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kStreamingSignedTrailer =
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
inline constexpr std::string_view kStreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
// SHA-256 of nothing, in hex.
inline constexpr std::string_view kEmptySha256Hex =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace strata::sigv4
