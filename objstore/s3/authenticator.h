// Authentication as a type: a VerifiedRequest comes from an Authenticator or not at all, and an
// operation takes nothing else.
//
// Thread rule: verify() from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/io/clock.h"
#include "common/sigv4/authorization.h"
#include "common/sigv4/signing_key.h"
#include "objstore/access/credentials.h"
#include "objstore/s3/post_form.h"
#include "objstore/s3/route.h"

namespace strata::s3 {

// What the signatures of a streamed body continue from.
struct ChunkSeed {
  sigv4::SigningKey key{};
  std::string amz_date;
  sigv4::Scope scope;
  std::string signature;
};

// How a request was signed.
enum class Mechanism { kAnonymous, kHeader, kQuery, kHeaderV2, kQueryV2, kForm };

// A request whose sender is known: a signature was checked, or there was none and the caller is
// anonymous. Its body is not checked yet (see request_body.h).
class VerifiedRequest {
 public:
  [[nodiscard]] const ParsedRequest& parsed() const noexcept { return parsed_; }
  [[nodiscard]] const http::RequestHead& head() const noexcept { return parsed_.head(); }
  [[nodiscard]] const http::Fields& fields() const noexcept { return parsed_.fields(); }
  [[nodiscard]] const Query& query() const noexcept { return parsed_.query(); }
  [[nodiscard]] const std::string& bucket() const noexcept { return parsed_.bucket(); }
  [[nodiscard]] const std::string& key() const noexcept { return parsed_.key(); }
  [[nodiscard]] const access::Caller& caller() const noexcept { return caller_; }
  [[nodiscard]] const sigv4::Payload& payload() const noexcept { return payload_; }
  // Present when the payload's chunks are signed.
  [[nodiscard]] const std::optional<ChunkSeed>& chunk_seed() const noexcept { return chunk_seed_; }
  [[nodiscard]] Mechanism mechanism() const noexcept { return mechanism_; }
  // Of a PostObject: its form, whose file is the body. Outlives the request; null otherwise.
  [[nodiscard]] PostForm* form() const noexcept { return form_; }

 private:
  friend class Authenticator;
  explicit VerifiedRequest(ParsedRequest parsed) : parsed_(std::move(parsed)) {}

  ParsedRequest parsed_;
  access::Caller caller_;
  sigv4::Payload payload_;
  std::optional<ChunkSeed> chunk_seed_;
  Mechanism mechanism_ = Mechanism::kAnonymous;
  PostForm* form_ = nullptr;
};

struct AuthenticatorOptions {
  std::string region;
  bool version2 = false;  // whether Signature Version 2 is believed
};

class Authenticator {
 public:
  // credentials and clock outlive this.
  Authenticator(const access::CredentialSource& credentials, const io::Clock& clock,
                AuthenticatorOptions options)
      : credentials_(credentials), clock_(clock), options_(std::move(options)) {}

  // Errors carry S3's code or one of sigv4's reasons; see errors.cc for what each becomes.
  [[nodiscard]] Result<VerifiedRequest> verify(ParsedRequest request);

  // The same for a form: the signature is over its policy, and the policy must allow its fields.
  // `request`: what the form makes of the POST (see post_object.h). The form outlives the result.
  [[nodiscard]] Result<VerifiedRequest> verify_form(ParsedRequest request, PostForm& form);

  // A call of the query APIs (IAM, STS), whose body has been read: body_sha256 is its digest in
  // lower-case hex. Version 4 in the header only; anonymous when there is no signature.
  [[nodiscard]] Result<access::Caller> verify_query_call(const ParsedRequest& request,
                                                         std::string_view body_sha256);

 private:
  struct Claim;
  [[nodiscard]] Result<Mechanism> mechanism_of(const ParsedRequest& request) const;
  // payload_hash: of what the header x-amz-content-sha256 would say; empty: it has to be there.
  [[nodiscard]] Result<Claim> header_claim(const ParsedRequest& request,
                                           std::string_view payload_hash = {}) const;
  [[nodiscard]] Result<Claim> presigned_claim(const ParsedRequest& request) const;
  [[nodiscard]] Status check_scope(const sigv4::Scope& scope, std::string_view reason,
                                   std::string_view where) const;
  [[nodiscard]] Status check_signature(const ParsedRequest& request, const Claim& claim,
                                       const sigv4::SigningKey& key) const;
  // The key's owner. token: the session token of the request, null if it has none.
  [[nodiscard]] Result<std::shared_ptr<const access::Credential>> known(
      std::string_view access_key, const std::string* token) const;
  [[nodiscard]] Result<VerifiedRequest> verify_anonymous(ParsedRequest request) const;
  [[nodiscard]] Result<VerifiedRequest> verify_v4(ParsedRequest request, Mechanism mechanism);
  // authenticator_v2.cc
  [[nodiscard]] Result<VerifiedRequest> verify_v2(ParsedRequest request, Mechanism mechanism) const;
  // authenticator_form.cc
  [[nodiscard]] Result<access::Caller> verify_policy(const PostFields& fields);
  [[nodiscard]] Result<access::Caller> verify_policy_v2(const PostFields& fields) const;

  const access::CredentialSource& credentials_;
  const io::Clock& clock_;
  const AuthenticatorOptions options_;
  sigv4::SigningKeyCache keys_;
};

}  // namespace strata::s3
