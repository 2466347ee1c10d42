// AES-256 in Galois/counter mode (NIST SP 800-38D): a message is encrypted and, together with what
// is only vouched for, authenticated by a tag of 16 bytes.
//
// A nonce must never be used twice under one key: that is the caller's duty. Thread rule: one
// thread at a time.
#pragma once

#include <array>
#include <memory>

#include "common/base/bytes.h"
#include "common/crypto/secret.h"

namespace strata::crypto {

inline constexpr size_t kNonceBytes = 12;
inline constexpr size_t kTagBytes = 16;
using Nonce = std::array<std::byte, kNonceBytes>;

class AesGcm {
 public:
  explicit AesGcm(const Secret& key);
  ~AesGcm();
  AesGcm(const AesGcm&) = delete;
  AesGcm& operator=(const AesGcm&) = delete;

  // Writes ciphertext and tag: `sealed` has plain.size() + kTagBytes (CHECK). `vouched`: bytes that
  // must be the same when the message is opened. Messages of up to 1 GiB.
  void seal(const Nonce& nonce, Bytes vouched, Bytes plain, MutableBytes sealed);
  // False if anything is not what was sealed: `plain`, of sealed.size() - kTagBytes (CHECK), then
  // holds zeroes.
  [[nodiscard]] bool open(const Nonce& nonce, Bytes vouched, Bytes sealed, MutableBytes plain);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::crypto
