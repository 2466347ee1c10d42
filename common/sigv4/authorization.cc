#include "common/sigv4/authorization.h"

#include <algorithm>
#include <optional>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "common/sigv4/grammar.h"

namespace strata::sigv4 {
namespace {

constexpr size_t kHeaderNameBytesMax = 256;
constexpr size_t kAmzDateBytes = 16;

Error refuse_header(std::string_view reason, std::string message) {
  return {Code::kInvalidArgument, reason, std::move(message)};
}

Error unsupported_algorithm() {
  return {Code::kUnsupported, kReasonUnsupportedAlgorithm,
          "only AWS4-HMAC-SHA256 signatures are supported; use Signature Version 4"};
}

Result<std::vector<std::string>> parse_signed_headers(std::string_view text,
                                                      std::string_view reason) {
  std::vector<std::string> names;
  while (true) {
    const size_t end = text.find(';');
    const std::string_view name = text.substr(0, end);
    if (!is_lower_token(name) || name.size() > kHeaderNameBytesMax) {
      return refuse_header(reason, "SignedHeaders must be lower-case header names joined by ';'");
    }
    if (!names.empty() && names.back() >= name) {
      return refuse_header(reason, "SignedHeaders must be sorted and name each header once");
    }
    if (names.size() == kSignedHeadersMax)
      return refuse_header(reason, "SignedHeaders has too many names");
    names.emplace_back(name);
    if (end == text.npos) return names;
    text.remove_prefix(end + 1);
  }
}

// The three fields as text, from either place, made into values.
Result<Authorization> build(std::string_view credential, std::string_view signed_headers,
                            std::string_view signature, std::string_view reason) {
  Authorization authorization;
  TRY_ASSIGN(authorization.credential, parse_credential(credential, reason));
  TRY_ASSIGN(authorization.signed_headers, parse_signed_headers(signed_headers, reason));
  if (!is_signature(signature)) {
    return refuse_header(reason, "the signature must be 64 lower-case hex digits");
  }
  authorization.signature = signature;
  return authorization;
}

// One parameter of a presigned URL, decoded; it keeps its own bytes only if there was something to
// decode.
class Parameter {
 public:
  // False for a bad escape.
  [[nodiscard]] bool set(std::string_view raw) {
    text_ = codec::uri_decode_view(raw, room_, true);
    return text_.has_value();
  }
  [[nodiscard]] bool given() const noexcept { return text_.has_value(); }
  [[nodiscard]] std::string_view text() const noexcept { return *text_; }

 private:
  std::optional<std::string_view> text_;
  std::string room_;
};

// The X-Amz-* parameters of a presigned URL, each at most once. Views of the query and of itself.
struct PresignedFields {
  PresignedFields() = default;
  PresignedFields(const PresignedFields&) = delete;
  PresignedFields& operator=(const PresignedFields&) = delete;

  Parameter algorithm, credential, date, expires, signed_headers, signature, token;

  Parameter* find(std::string_view name) {
    if (!name.starts_with("X-Amz-")) return nullptr;
    if (name == "X-Amz-Algorithm") return &algorithm;
    if (name == "X-Amz-Credential") return &credential;
    if (name == "X-Amz-Date") return &date;
    if (name == "X-Amz-Expires") return &expires;
    if (name == "X-Amz-SignedHeaders") return &signed_headers;
    if (name == "X-Amz-Signature") return &signature;
    if (name == "X-Amz-Security-Token") return &token;
    return nullptr;
  }
};

// Takes the next "name=value" off the front of a raw query; the value is empty without '='.
std::pair<std::string_view, std::string_view> take_parameter(std::string_view& query) {
  const size_t end = query.find('&');
  const std::string_view parameter = query.substr(0, end);
  query.remove_prefix(end == query.npos ? query.size() : end + 1);
  const size_t equals = parameter.find('=');
  if (equals == parameter.npos) return {parameter, {}};
  return {parameter.substr(0, equals), parameter.substr(equals + 1)};
}

Status read_presigned_fields(std::string_view query, PresignedFields& fields) {
  std::string room;
  while (!query.empty()) {
    const auto [raw_name, raw_value] = take_parameter(query);
    const auto name = codec::uri_decode_view(raw_name, room, true);
    Parameter* const field = name ? fields.find(*name) : nullptr;
    if (field == nullptr) continue;
    if (field->given()) {
      return refuse_header(kReasonQueryMalformed, std::string(*name) + " is given twice");
    }
    if (!field->set(raw_value)) {
      return refuse_header(kReasonQueryMalformed, std::string(*name) + " has a bad percent escape");
    }
  }
  return {};
}

}  // namespace

Result<Authorization> parse_authorization(std::string_view value) {
  if (value.size() > kAuthorizationBytesMax) {
    return refuse_header(kReasonHeaderMalformed, "the Authorization header is too long");
  }
  const size_t space = value.find(' ');
  if (value.substr(0, space) != kAlgorithm) {
    if (value.starts_with("AWS4-")) return unsupported_algorithm();
    return refuse_header(kReasonUnsupportedScheme, "Unsupported Authorization Type");
  }
  std::string_view rest = space == value.npos ? std::string_view() : value.substr(space + 1);
  std::optional<std::string_view> credential, signed_headers, signature;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view field = trim(rest.substr(0, comma));
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
    const size_t equals = field.find('=');
    const std::string_view name = field.substr(0, equals);
    std::optional<std::string_view>* const target = name == "Credential"      ? &credential
                                                    : name == "SignedHeaders" ? &signed_headers
                                                    : name == "Signature"     ? &signature
                                                                              : nullptr;
    if (target == nullptr || equals == field.npos || target->has_value()) {
      return refuse_header(kReasonHeaderMalformed,
                           "the Authorization header must be \"AWS4-HMAC-SHA256 Credential=..., "
                           "SignedHeaders=..., Signature=...\"");
    }
    *target = field.substr(equals + 1);
  }
  if (!credential || !signed_headers || !signature) {
    return refuse_header(kReasonHeaderMalformed,
                         "the Authorization header needs Credential, SignedHeaders and Signature");
  }
  return build(*credential, *signed_headers, *signature, kReasonHeaderMalformed);
}

bool is_presigned(std::string_view raw_query) noexcept {
  while (!raw_query.empty()) {
    const std::string_view name = take_parameter(raw_query).first;
    if (name == "X-Amz-Algorithm" || name == "X-Amz-Credential" || name == "X-Amz-Signature") {
      return true;
    }
  }
  return false;
}

Result<Presigned> parse_presigned(std::string_view raw_query) {
  PresignedFields fields;
  TRY(read_presigned_fields(raw_query, fields));
  if (fields.algorithm.given() && fields.algorithm.text() != kAlgorithm) {
    return unsupported_algorithm();
  }
  if (!fields.algorithm.given() || !fields.credential.given() || !fields.date.given() ||
      !fields.expires.given() || !fields.signed_headers.given() || !fields.signature.given()) {
    return refuse_header(kReasonQueryMalformed,
                         "a presigned URL needs X-Amz-Algorithm, X-Amz-Credential, X-Amz-Date, "
                         "X-Amz-Expires, X-Amz-SignedHeaders and X-Amz-Signature");
  }
  Presigned presigned;
  TRY_ASSIGN(presigned.authorization, build(fields.credential.text(), fields.signed_headers.text(),
                                            fields.signature.text(), kReasonQueryMalformed));
  TRY_ASSIGN(presigned.signed_at,
             parse_amz_date(fields.date.text(), presigned.authorization.credential.scope,
                            kReasonQueryMalformed));
  presigned.amz_date = fields.date.text();
  const auto expires = parse_u64(fields.expires.text());
  if (!expires || *expires < 1 || *expires > static_cast<uint64_t>(kPresignedValidityMax.count())) {
    return refuse_header(kReasonQueryMalformed,
                         "X-Amz-Expires must be a number from 1 to 604800 seconds");
  }
  presigned.expires = std::chrono::seconds(*expires);
  if (fields.token.given()) {
    if (fields.token.text().size() > kSecurityTokenBytesMax) {
      return refuse_header(kReasonQueryMalformed, "X-Amz-Security-Token is too long");
    }
    presigned.security_token = fields.token.text();
  }
  return presigned;
}

Result<Time> parse_amz_date(std::string_view text, const Scope& scope, std::string_view reason) {
  const auto time = text.size() == kAmzDateBytes ? codec::parse_iso8601_basic(text) : std::nullopt;
  if (!time) return refuse_header(reason, "the date of the request must be YYYYMMDD'T'HHMMSS'Z'");
  if (!text.starts_with(scope.date)) {
    return refuse_header(reason, "the credential's date is not the day of the request");
  }
  return *time;
}

Status check_clock_skew(Time signed_at, Time now) {
  const auto skew = signed_at > now ? signed_at - now : now - signed_at;
  if (skew > kClockSkewMax) {
    return Error(
        Code::kPermissionDenied, kReasonTimeSkewed,
        "the request's time is more than 15 minutes away from the server's: set the clock");
  }
  return {};
}

Status check_presigned_time(const Presigned& presigned, Time now) {
  if (presigned.signed_at > now + kClockSkewMax) {
    return Error(Code::kPermissionDenied, kReasonNotYetValid,
                 "the presigned URL is not valid yet: its date is in the future");
  }
  if (now > presigned.signed_at + presigned.expires) {
    return Error(Code::kPermissionDenied, kReasonExpired, "Request has expired");
  }
  return {};
}

Result<Payload> parse_content_sha256(std::string_view value) {
  if (value == kUnsignedPayload) return Payload{.kind = PayloadKind::kUnsigned, .sha256 = {}};
  if (value == kStreamingSigned)
    return Payload{.kind = PayloadKind::kStreamingSigned, .sha256 = {}};
  if (value == kStreamingSignedTrailer) {
    return Payload{.kind = PayloadKind::kStreamingSignedTrailer, .sha256 = {}};
  }
  if (value == kStreamingUnsignedTrailer) {
    return Payload{.kind = PayloadKind::kStreamingUnsignedTrailer, .sha256 = {}};
  }
  if (value.starts_with("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")) return unsupported_algorithm();
  std::optional<std::string> hash;
  if (value.size() == kSignatureBytes) hash = codec::from_hex(value);
  if (!hash) {
    return refuse_header(
        kReasonBadContentSha256,
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING form or the SHA-256 of "
        "the body in hex");
  }
  return Payload{.kind = PayloadKind::kSha256, .sha256 = std::move(*hash)};
}

}  // namespace strata::sigv4
