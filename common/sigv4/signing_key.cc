#include "common/sigv4/signing_key.h"

#include <cstring>

#include "common/base/check.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"

namespace strata::sigv4 {
namespace {

// Overwrites a secret that is about to be freed; volatile keeps the stores.
void wipe(void* data, size_t bytes) noexcept {
  auto* byte = static_cast<volatile unsigned char*>(data);
  for (size_t i = 0; i < bytes; ++i) byte[i] = 0;
}

std::string hash_secret(std::string_view secret) {
  return digest::sha256(as_bytes(secret));
}

}  // namespace

SigningKey derive_signing_key(std::string_view secret, const Scope& scope) {
  std::string key = "AWS4" + std::string(secret);
  for (const std::string_view part :
       {std::string_view(scope.date), std::string_view(scope.region),
        std::string_view(scope.service), std::string_view("aws4_request")}) {
    std::string next = digest::hmac_sha256(as_bytes(key), as_bytes(part));
    wipe(key.data(), key.size());
    key = std::move(next);
  }
  SigningKey result;
  CHECK(key.size() == result.size());
  std::memcpy(result.data(), key.data(), result.size());
  wipe(key.data(), key.size());
  return result;
}

std::string string_to_sign(std::string_view amz_date, const Scope& scope,
                           std::string_view canonical_request) {
  std::string text(kAlgorithm);
  text.append("\n").append(amz_date).append("\n").append(scope.to_string()).append("\n");
  return text.append(codec::to_hex(digest::sha256(as_bytes(canonical_request))));
}

std::string sign(const SigningKey& key, std::string_view text) {
  return codec::to_hex(digest::hmac_sha256(key, as_bytes(text)));
}

bool signatures_equal(std::string_view expected, std::string_view given) noexcept {
  return digest::equal_constant_time(expected, given);
}

SigningKeyCache::SigningKeyCache(size_t capacity) : capacity_(capacity) {
  CHECK(capacity > 0, "a cache needs room for one key");
}

SigningKeyCache::~SigningKeyCache() {
  while (!entries_.empty()) drop(entries_.begin());
}

SigningKey SigningKeyCache::get(std::string_view access_key, std::string_view secret,
                                const Scope& scope) {
  std::string name(access_key);
  // None of the parts can hold a line feed where a request was parsed; elsewhere it separates.
  name.append("\n").append(scope.date).append("\n").append(scope.region);
  name.append("\n").append(scope.service);
  std::string secret_hash = hash_secret(secret);
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) {
      if (digest::equal_constant_time(found->second->secret_hash, secret_hash)) {
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->key;
      }
      drop(found->second);
    }
  }
  const SigningKey key = derive_signing_key(secret, scope);
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) drop(found->second);  // another thread was faster
  if (entries_.size() == capacity_) drop(std::prev(entries_.end()));
  entries_.push_front(Entry{.name = std::move(name),
                            .access_key = std::string(access_key),
                            .secret_hash = std::move(secret_hash),
                            .key = key});
  by_name_.emplace(entries_.front().name, entries_.begin());
  return key;
}

void SigningKeyCache::forget(std::string_view access_key) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->access_key == access_key) drop(entry);
    entry = next;
  }
}

size_t SigningKeyCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void SigningKeyCache::drop(Entries::iterator entry) {
  by_name_.erase(entry->name);
  wipe(entry->key.data(), entry->key.size());
  entries_.erase(entry);
}

}  // namespace strata::sigv4
