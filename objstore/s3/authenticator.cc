#include "objstore/s3/authenticator.h"

#include "common/codec/http_date.h"
#include "common/sigv4/canonical.h"
#include "objstore/s3/errors.h"

namespace strata::s3 {

// What a request says of its signature, in whichever of the two places.
struct Authenticator::Claim {
  sigv4::Authorization authorization;
  std::string amz_date;
  std::string_view payload_hash;  // as it goes into the canonical request; a view of the request
  bool presigned = false;
  bool security_token = false;
};

namespace {

Error one_mechanism_only() {
  return {Code::kInvalidArgument, code::kInvalidArgument,
          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
          "query string parameter or the Authorization header should be specified"};
}

// Signature version 2 in a URL: known, refused, and not to be taken for an anonymous request.
bool is_presigned_v2(const Query& query) {
  return query.has("AWSAccessKeyId") || query.has("Signature");
}

Error wrong_scope(bool presigned, std::string_view what, std::string_view given,
                  std::string_view expected) {
  std::string text = presigned ? "Error parsing the X-Amz-Credential parameter; the "
                               : "The authorization header is malformed; the ";
  text.append(what).append(" '").append(given).append("' is wrong; expecting '");
  text.append(expected).append("'");
  return {Code::kInvalidArgument,
          presigned ? code::kAuthorizationQueryError : code::kAuthorizationHeaderMalformed,
          std::move(text)};
}

Error no_date() {
  return {Code::kPermissionDenied, code::kAccessDenied,
          "AWS authentication requires a valid Date or x-amz-date header"};
}

}  // namespace

Result<Authenticator::Claim> Authenticator::header_claim(const ParsedRequest& request) const {
  const http::Fields& fields = request.head().fields;
  if (fields.count("authorization") != 1) return one_mechanism_only();
  Claim claim;
  TRY_ASSIGN(claim.authorization, sigv4::parse_authorization(fields.get("authorization")));
  claim.security_token = fields.find("x-amz-security-token") != nullptr;

  const std::string* date = fields.find("x-amz-date");
  if (date != nullptr) {
    claim.amz_date = *date;
  } else {
    const auto parsed = codec::parse_http_date(fields.get("date"));
    if (!parsed) return no_date();
    claim.amz_date = codec::format_iso8601_basic(*parsed);
  }
  TRY_ASSIGN(const sigv4::Time signed_at,
             sigv4::parse_amz_date(claim.amz_date, claim.authorization.credential.scope,
                                   sigv4::kReasonHeaderMalformed));
  TRY(sigv4::check_clock_skew(signed_at, clock_.wall_now()));

  const std::string* hash = fields.find("x-amz-content-sha256");
  if (hash == nullptr) {
    return Error(Code::kInvalidArgument, code::kInvalidRequest,
                 "Missing required header for this request: x-amz-content-sha256");
  }
  claim.payload_hash = *hash;
  return claim;
}

Result<Authenticator::Claim> Authenticator::presigned_claim(const ParsedRequest& request) const {
  Claim claim;
  TRY_ASSIGN(sigv4::Presigned presigned, sigv4::parse_presigned(request.head().query));
  TRY(sigv4::check_presigned_time(presigned, clock_.wall_now()));
  claim.presigned = true;
  claim.amz_date = std::move(presigned.amz_date);
  claim.security_token = !presigned.security_token.empty() ||
                         request.head().fields.find("x-amz-security-token") != nullptr;
  claim.authorization = std::move(presigned.authorization);
  claim.payload_hash = sigv4::kUnsignedPayload;
  // Clients may promise a payload in a header or, as with other headers, in the query.
  const std::string* in_header = request.head().fields.find("x-amz-content-sha256");
  const std::string* in_query = request.query().find("X-Amz-Content-Sha256");
  if (in_query == nullptr) in_query = request.query().find("x-amz-content-sha256");
  if (in_header != nullptr && in_query != nullptr && *in_header != *in_query) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "x-amz-content-sha256 differs between the headers and the query.");
  }
  if (in_query != nullptr) claim.payload_hash = *in_query;
  if (in_header != nullptr) claim.payload_hash = *in_header;
  return claim;
}

Result<std::optional<Authenticator::Claim>> Authenticator::claim_of(
    const ParsedRequest& request) const {
  const bool in_header = request.head().fields.find("authorization") != nullptr;
  const bool in_query = sigv4::is_presigned(request.head().query);
  const bool in_query_v2 = is_presigned_v2(request.query());
  if ((in_header ? 1 : 0) + (in_query ? 1 : 0) + (in_query_v2 ? 1 : 0) > 1) {
    return one_mechanism_only();
  }
  if (in_query_v2) {
    return Error(Code::kUnsupported, sigv4::kReasonUnsupportedAlgorithm,
                 "The authorization mechanism you have provided is not supported. Please use "
                 "AWS4-HMAC-SHA256.");
  }
  if (!in_header && !in_query) return std::optional<Claim>();
  TRY_ASSIGN(Claim claim, in_header ? header_claim(request) : presigned_claim(request));
  return std::optional<Claim>(std::move(claim));
}

Status Authenticator::check_scope(const Claim& claim) const {
  const sigv4::Scope& scope = claim.authorization.credential.scope;
  if (scope.region != region_) return wrong_scope(claim.presigned, "region", scope.region, region_);
  if (scope.service != "s3") return wrong_scope(claim.presigned, "service", scope.service, "s3");
  return {};
}

Status Authenticator::check_signature(const ParsedRequest& request, const Claim& claim,
                                      const sigv4::SigningKey& key) const {
  const http::RequestHead& head = request.head();
  TRY(sigv4::check_headers_signed(head.fields.all(), claim.authorization.signed_headers));
  const sigv4::RequestView view{head.method, head.path, head.query, head.fields.all()};
  TRY_ASSIGN(
      const std::string canonical,
      sigv4::canonical_request(view, claim.authorization.signed_headers, claim.payload_hash));
  const std::string expected = sigv4::sign(
      key, sigv4::string_to_sign(claim.amz_date, claim.authorization.credential.scope, canonical));
  if (!sigv4::signatures_equal(expected, claim.authorization.signature)) {
    return Error(Code::kPermissionDenied, code::kSignatureDoesNotMatch,
                 "The request signature we calculated does not match the signature you provided. "
                 "Check your key and signing method.");
  }
  return {};
}

Result<VerifiedRequest> Authenticator::verify(ParsedRequest request) {
  TRY_ASSIGN(std::optional<Claim> claim, claim_of(request));
  if (!claim) {
    VerifiedRequest verified(std::move(request));
    verified.caller_ = access::Caller::anonymous();
    const std::string* hash = verified.head().fields.find("x-amz-content-sha256");
    if (hash != nullptr) {
      TRY_ASSIGN(verified.payload_, sigv4::parse_content_sha256(*hash));
    }
    return verified;
  }
  TRY(check_scope(*claim));
  if (claim->security_token) {
    return Error(Code::kInvalidArgument, code::kInvalidToken,
                 "The provided token is malformed or otherwise invalid.");
  }
  const sigv4::Credential& credential = claim->authorization.credential;
  const access::Credential* known = credentials_.find(credential.access_key);
  if (known == nullptr) {
    return Error(Code::kPermissionDenied, code::kInvalidAccessKeyId,
                 "The AWS Access Key Id you provided does not exist in our records.");
  }
  const sigv4::SigningKey key = keys_.get(credential.access_key, known->secret, credential.scope);
  TRY(check_signature(request, *claim, key));
  TRY_ASSIGN(sigv4::Payload payload, sigv4::parse_content_sha256(claim->payload_hash));

  VerifiedRequest verified(std::move(request));
  verified.caller_ = known->caller;
  verified.payload_ = std::move(payload);
  if (verified.payload_.kind == sigv4::PayloadKind::kStreamingSigned ||
      verified.payload_.kind == sigv4::PayloadKind::kStreamingSignedTrailer) {
    verified.chunk_seed_ = ChunkSeed{key, std::move(claim->amz_date), credential.scope,
                                     std::move(claim->authorization.signature)};
  }
  return verified;
}

}  // namespace strata::s3
