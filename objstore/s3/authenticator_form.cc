// The signature inside a form: over its policy, which then decides what the form may do.
#include "common/sigv4/version2.h"
#include "objstore/s3/authentication_errors.h"
#include "objstore/s3/authenticator.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/post_policy.h"

namespace strata::s3 {

namespace {

// A derived key is good for seven days, and so is what it signed.
constexpr std::chrono::hours kPolicyAgeMax{7 * 24};

Error missing_field(std::string_view name) {
  return {Code::kInvalidArgument, code::kInvalidArgument,
          "Bucket POST must contain a field named '" + std::string(name) +
              "'.  If it is specified, please check the order of the fields."};
}

Result<std::string_view> needed(const PostFields& fields, std::string_view lower_name,
                                std::string_view name) {
  const std::string* value = fields.find(lower_name);
  if (value == nullptr) return missing_field(name);
  return std::string_view(*value);
}

bool has_v4_field(const PostFields& fields) {
  for (const char* name : {"x-amz-algorithm", "x-amz-credential", "x-amz-signature"}) {
    if (fields.find(name) != nullptr) return true;
  }
  return false;
}

bool has_v2_field(const PostFields& fields) {
  return fields.find("awsaccesskeyid") != nullptr || fields.find("signature") != nullptr;
}

}  // namespace

Result<access::Caller> Authenticator::verify_policy(const PostFields& fields) {
  TRY_ASSIGN(const std::string_view algorithm,
             needed(fields, "x-amz-algorithm", "X-Amz-Algorithm"));
  TRY_ASSIGN(const std::string_view credential_text,
             needed(fields, "x-amz-credential", "X-Amz-Credential"));
  TRY_ASSIGN(const std::string_view date, needed(fields, "x-amz-date", "X-Amz-Date"));
  TRY_ASSIGN(const std::string_view signature,
             needed(fields, "x-amz-signature", "X-Amz-Signature"));
  if (algorithm != sigv4::kAlgorithm) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "X-Amz-Algorithm only supports AWS4-HMAC-SHA256");
  }
  TRY_ASSIGN(const sigv4::Credential credential,
             sigv4::parse_credential(credential_text, code::kInvalidArgument));
  TRY_ASSIGN(const sigv4::Time signed_at,
             sigv4::parse_amz_date(date, credential.scope, code::kInvalidArgument));
  const sigv4::Time now = clock_.wall_now();
  if (signed_at > now + sigv4::kClockSkewMax) {
    return Error(Code::kPermissionDenied, sigv4::kReasonNotYetValid,
                 "Invalid according to Policy: its date is in the future.");
  }
  if (now > signed_at + kPolicyAgeMax) {
    return Error(Code::kPermissionDenied, sigv4::kReasonExpired,
                 "Invalid according to Policy: Policy expired.");
  }
  TRY(check_scope(credential.scope, code::kInvalidArgument,
                  "Error parsing the X-Amz-Credential field"));
  TRY_ASSIGN(const std::shared_ptr<const access::Credential> owner,
             known(credential.access_key, fields.find("x-amz-security-token")));
  const sigv4::SigningKey key = keys_.get(credential.access_key, owner->secret, credential.scope);
  if (!sigv4::signatures_equal(sigv4::sign(key, fields.get("policy")), signature)) {
    return signature_does_not_match();
  }
  return owner->caller;
}

Result<access::Caller> Authenticator::verify_policy_v2(const PostFields& fields) const {
  if (!options_.version2) return version2_not_supported();
  TRY_ASSIGN(const std::string_view access_key, needed(fields, "awsaccesskeyid", "AWSAccessKeyId"));
  TRY_ASSIGN(const std::string_view signature, needed(fields, "signature", "Signature"));
  TRY_ASSIGN(const std::shared_ptr<const access::Credential> owner,
             known(access_key, fields.find("x-amz-security-token")));
  const std::string expected = sigv4::v2_sign(owner->secret, fields.get("policy"));
  if (!sigv4::signatures_equal(expected, signature)) return signature_does_not_match();
  return owner->caller;
}

Result<VerifiedRequest> Authenticator::verify_form(ParsedRequest request, PostForm& form) {
  TRY_ASSIGN(const Mechanism mechanism, mechanism_of(request));
  if (mechanism != Mechanism::kAnonymous) return one_mechanism_only();
  const PostFields& fields = form.fields();
  access::Caller caller = access::Caller::anonymous();
  const std::string* document = fields.find("policy");
  if (document == nullptr) {
    if (has_v4_field(fields) || has_v2_field(fields)) return missing_field("policy");
  } else {
    const bool version2 = has_v2_field(fields);
    if (version2 && has_v4_field(fields)) return one_mechanism_only();
    TRY_ASSIGN(caller, version2 ? verify_policy_v2(fields) : verify_policy(fields));
    TRY_ASSIGN(const PostPolicy policy, PostPolicy::parse(*document));
    TRY(policy.check(fields, request.bucket(), request.key(), clock_.wall_now()));
    if (policy.size_range()) {
      form.limit_file(policy.size_range()->bytes_min, policy.size_range()->bytes_max);
    }
  }
  VerifiedRequest verified(std::move(request));
  verified.mechanism_ = Mechanism::kForm;
  verified.caller_ = std::move(caller);
  verified.form_ = &form;
  return verified;
}

}  // namespace strata::s3
