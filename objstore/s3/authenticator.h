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
#include "objstore/s3/route.h"

namespace strata::s3 {

// What the signatures of a streamed body continue from.
struct ChunkSeed {
  sigv4::SigningKey key{};
  std::string amz_date;
  sigv4::Scope scope;
  std::string signature;
};

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

 private:
  friend class Authenticator;
  explicit VerifiedRequest(ParsedRequest parsed) : parsed_(std::move(parsed)) {}

  ParsedRequest parsed_;
  access::Caller caller_;
  sigv4::Payload payload_;
  std::optional<ChunkSeed> chunk_seed_;
};

class Authenticator {
 public:
  // credentials and clock outlive this.
  Authenticator(const access::Credentials& credentials, const io::Clock& clock, std::string region)
      : credentials_(credentials), clock_(clock), region_(std::move(region)) {}

  // Errors carry S3's code or one of sigv4's reasons; see errors.cc for what each becomes.
  [[nodiscard]] Result<VerifiedRequest> verify(ParsedRequest request);

 private:
  struct Claim;
  [[nodiscard]] Result<std::optional<Claim>> claim_of(const ParsedRequest& request) const;
  [[nodiscard]] Result<Claim> header_claim(const ParsedRequest& request) const;
  [[nodiscard]] Result<Claim> presigned_claim(const ParsedRequest& request) const;
  [[nodiscard]] Status check_scope(const Claim& claim) const;
  [[nodiscard]] Status check_signature(const ParsedRequest& request, const Claim& claim,
                                       const sigv4::SigningKey& key) const;

  const access::Credentials& credentials_;
  const io::Clock& clock_;
  const std::string region_;
  sigv4::SigningKeyCache keys_;
};

}  // namespace strata::s3
