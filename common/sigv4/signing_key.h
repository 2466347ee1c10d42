// Signing keys and signatures.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/bytes.h"
#include "common/sigv4/scope.h"

namespace strata::sigv4 {

// The key of one secret for one scope: a secret itself. Never log it.
using SigningKey = std::array<std::byte, 32>;

// HMAC chain over "AWS4" + secret, date, region, service, "aws4_request".
[[nodiscard]] SigningKey derive_signing_key(std::string_view secret, const Scope& scope);

// "AWS4-HMAC-SHA256\n" amz_date "\n" scope "\n" hex(sha256(canonical_request)).
[[nodiscard]] std::string string_to_sign(std::string_view amz_date, const Scope& scope,
                                         std::string_view canonical_request);

// 64 lower-case hex digits over any string to sign; also for a POST form's base64 policy.
[[nodiscard]] std::string sign(const SigningKey& key, std::string_view text);

// Whether both are the same, without telling by timing where they differ.
[[nodiscard]] bool signatures_equal(std::string_view expected, std::string_view given) noexcept;

// Keeps derived keys, because deriving one costs four HMACs a request.
//
// Thread rule: any thread. At most `capacity` keys; the one unused for longest goes first. A call
// with another secret for the same access key derives anew and replaces what was kept.
class SigningKeyCache {
 public:
  static constexpr size_t kCapacity = 1024;
  explicit SigningKeyCache(size_t capacity = kCapacity);
  ~SigningKeyCache();
  SigningKeyCache(const SigningKeyCache&) = delete;
  SigningKeyCache& operator=(const SigningKeyCache&) = delete;

  [[nodiscard]] SigningKey get(std::string_view access_key, std::string_view secret,
                               const Scope& scope);
  // Drops every key of this access key: call it when a user is deleted or its secret changes.
  void forget(std::string_view access_key);
  [[nodiscard]] size_t size() const;

 private:
  struct Entry {
    std::string name;  // access key, date, region, service
    std::string access_key;
    std::string secret_hash;  // SHA-256 of the secret, to notice that it changed
    SigningKey key{};
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);  // mutex_ held

  const size_t capacity_;
  mutable std::mutex mutex_;
  Entries entries_;                                                  // used most recently first
  std::unordered_map<std::string_view, Entries::iterator> by_name_;  // views of Entry::name
};

}  // namespace strata::sigv4
