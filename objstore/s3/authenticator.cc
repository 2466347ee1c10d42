#include "objstore/s3/authenticator.h"

#include "common/codec/http_date.h"
#include "common/sigv4/canonical.h"
#include "common/sigv4/version2.h"
#include "objstore/s3/authentication_errors.h"
#include "objstore/s3/errors.h"

namespace strata::s3 {

// What a request says of its signature, in whichever of the two places.
struct Authenticator::Claim {
  sigv4::Authorization authorization;
  std::string amz_date;
  std::string_view payload_hash;  // as it goes into the canonical request; a view of the request
  std::optional<std::string> security_token;
};

namespace {

// Signature version 2 in a URL: known, refused, and not to be taken for an anonymous request.
bool is_presigned_v2(const Query& query) {
  return query.has("AWSAccessKeyId") || query.has("Signature");
}

Error wrong_scope(std::string_view reason, std::string_view where, std::string_view what,
                  std::string_view given, std::string_view expected) {
  std::string text(where);
  text.append("; the ").append(what).append(" '").append(given).append("' is wrong; expecting '");
  text.append(expected).append("'");
  return {Code::kInvalidArgument, reason, std::move(text)};
}

bool has_signed_chunks(const sigv4::Payload& payload) {
  return payload.kind == sigv4::PayloadKind::kStreamingSigned ||
         payload.kind == sigv4::PayloadKind::kStreamingSignedTrailer;
}

}  // namespace

Result<Authenticator::Claim> Authenticator::header_claim(const ParsedRequest& request,
                                                         std::string_view payload_hash) const {
  const http::Fields& fields = request.head().fields;
  if (fields.count("authorization") != 1) return one_mechanism_only();
  Claim claim;
  TRY_ASSIGN(claim.authorization, sigv4::parse_authorization(fields.get("authorization")));
  if (const std::string* token = fields.find("x-amz-security-token")) claim.security_token = *token;

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
  if (hash == nullptr && payload_hash.empty()) {
    return Error(Code::kInvalidArgument, code::kInvalidRequest,
                 "Missing required header for this request: x-amz-content-sha256");
  }
  claim.payload_hash = payload_hash.empty() ? std::string_view(*hash) : payload_hash;
  return claim;
}

Result<Authenticator::Claim> Authenticator::presigned_claim(const ParsedRequest& request) const {
  Claim claim;
  TRY_ASSIGN(sigv4::Presigned presigned, sigv4::parse_presigned(request.head().query));
  TRY(sigv4::check_presigned_time(presigned, clock_.wall_now()));
  claim.amz_date = std::move(presigned.amz_date);
  const std::string* token = request.head().fields.find("x-amz-security-token");
  if (token != nullptr) claim.security_token = *token;
  if (!presigned.security_token.empty()) {
    if (token != nullptr && *token != presigned.security_token) return one_mechanism_only();
    claim.security_token = std::move(presigned.security_token);
  }
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

Result<Mechanism> Authenticator::mechanism_of(const ParsedRequest& request) const {
  const std::string* header = request.head().fields.find("authorization");
  // An empty one says nothing.
  if (header != nullptr && header->empty()) header = nullptr;
  const bool in_query = sigv4::is_presigned(request.head().query);
  const bool in_query_v2 = is_presigned_v2(request.query());
  const int count = (header != nullptr ? 1 : 0) + (in_query ? 1 : 0) + (in_query_v2 ? 1 : 0);
  if (count == 0) return Mechanism::kAnonymous;
  if (count > 1) return one_mechanism_only();
  if (in_query) return Mechanism::kQuery;
  const bool in_header_v2 = header != nullptr && sigv4::is_v2_authorization(*header);
  if (header != nullptr && !in_header_v2) return Mechanism::kHeader;
  if (!options_.version2) return version2_not_supported();
  return in_header_v2 ? Mechanism::kHeaderV2 : Mechanism::kQueryV2;
}

Status Authenticator::check_scope(const sigv4::Scope& scope, std::string_view reason,
                                  std::string_view where) const {
  if (scope.region != options_.region) {
    return wrong_scope(reason, where, "region", scope.region, options_.region);
  }
  if (scope.service != "s3") return wrong_scope(reason, where, "service", scope.service, "s3");
  return {};
}

Result<std::shared_ptr<const access::Credential>> Authenticator::known(
    std::string_view access_key, const std::string* token) const {
  std::shared_ptr<const access::Credential> found = credentials_.find(access_key);
  const bool temporary = found != nullptr && !found->session_token.empty();
  // A temporary key without its token is as unknown as any other.
  if (found == nullptr || (temporary && token == nullptr)) {
    return Error(Code::kPermissionDenied, code::kInvalidAccessKeyId,
                 "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (token == nullptr) return found;
  if (!temporary || !sigv4::signatures_equal(*token, found->session_token)) {
    return Error(Code::kInvalidArgument, code::kInvalidToken,
                 "The provided token is malformed or otherwise invalid.");
  }
  if (clock_.wall_now().time_since_epoch().count() >= found->expires_ms) {
    return Error(Code::kInvalidArgument, code::kExpiredToken, "The provided token has expired.");
  }
  return found;
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
    return signature_does_not_match();
  }
  return {};
}

Result<VerifiedRequest> Authenticator::verify_anonymous(ParsedRequest request) const {
  VerifiedRequest verified(std::move(request));
  verified.caller_ = access::Caller::anonymous();
  const std::string* hash = verified.head().fields.find("x-amz-content-sha256");
  if (hash != nullptr) {
    TRY_ASSIGN(verified.payload_, sigv4::parse_content_sha256(*hash));
  }
  // Chunk signatures continue the request's; without one they could not be checked.
  if (has_signed_chunks(verified.payload_)) return no_signature_to_continue();
  return verified;
}

Result<VerifiedRequest> Authenticator::verify(ParsedRequest request) {
  TRY_ASSIGN(const Mechanism mechanism, mechanism_of(request));
  switch (mechanism) {
    case Mechanism::kAnonymous:
      return verify_anonymous(std::move(request));
    case Mechanism::kHeaderV2:
    case Mechanism::kQueryV2:
      return verify_v2(std::move(request), mechanism);
    default:
      return verify_v4(std::move(request), mechanism);
  }
}

Result<VerifiedRequest> Authenticator::verify_v4(ParsedRequest request, Mechanism mechanism) {
  const bool in_header = mechanism == Mechanism::kHeader;
  TRY_ASSIGN(Claim claim, in_header ? header_claim(request) : presigned_claim(request));
  const sigv4::Credential& credential = claim.authorization.credential;
  TRY(check_scope(credential.scope,
                  in_header ? code::kAuthorizationHeaderMalformed : code::kAuthorizationQueryError,
                  in_header ? "The authorization header is malformed"
                            : "Error parsing the X-Amz-Credential parameter"));
  TRY_ASSIGN(const std::shared_ptr<const access::Credential> owner,
             known(credential.access_key, claim.security_token ? &*claim.security_token : nullptr));
  const sigv4::SigningKey key = keys_.get(credential.access_key, owner->secret, credential.scope);
  TRY(check_signature(request, claim, key));
  TRY_ASSIGN(sigv4::Payload payload, sigv4::parse_content_sha256(claim.payload_hash));

  VerifiedRequest verified(std::move(request));
  verified.mechanism_ = mechanism;
  verified.caller_ = owner->caller;
  verified.payload_ = std::move(payload);
  if (has_signed_chunks(verified.payload_)) {
    verified.chunk_seed_ = ChunkSeed{key, std::move(claim.amz_date), credential.scope,
                                     std::move(claim.authorization.signature)};
  }
  return verified;
}

Result<access::Caller> Authenticator::verify_query_call(const ParsedRequest& request,
                                                        std::string_view body_sha256) {
  TRY_ASSIGN(const Mechanism mechanism, mechanism_of(request));
  if (mechanism == Mechanism::kAnonymous) return access::Caller::anonymous();
  const bool in_url = mechanism == Mechanism::kQuery;
  if (mechanism != Mechanism::kHeader && !in_url) return one_mechanism_only();
  TRY_ASSIGN(Claim claim, in_url ? presigned_claim(request) : header_claim(request, body_sha256));
  // A URL of these services signs the body, even one that it does not have.
  if (in_url) claim.payload_hash = body_sha256;
  const sigv4::Credential& credential = claim.authorization.credential;
  const sigv4::Scope& scope = credential.scope;
  // IAM has one endpoint for the world, whose region is this one wherever its clients are.
  constexpr std::string_view kGlobalRegion = "us-east-1";
  constexpr std::string_view kWhere = "Credential should be scoped to a valid region and service";
  if (scope.service != "iam" && scope.service != "sts") {
    return wrong_scope(code::kSignatureDoesNotMatch, kWhere, "service", scope.service, "iam");
  }
  if (scope.region != options_.region && scope.region != kGlobalRegion) {
    return wrong_scope(code::kSignatureDoesNotMatch, kWhere, "region", scope.region,
                       options_.region);
  }
  TRY_ASSIGN(const std::shared_ptr<const access::Credential> owner,
             known(credential.access_key, claim.security_token ? &*claim.security_token : nullptr));
  const sigv4::SigningKey key = keys_.get(credential.access_key, owner->secret, scope);
  TRY(check_signature(request, claim, key));
  return owner->caller;
}

}  // namespace strata::s3
