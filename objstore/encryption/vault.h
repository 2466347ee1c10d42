// What the object room asks of encryption: a data key for what is written, and the one of what is
// read.
//
// Thread rule: any thread; random too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "objstore/encryption/envelope.h"
#include "objstore/encryption/key_ring.h"

namespace strata::encryption {

inline constexpr std::string_view kKeyNeededReason = "encryption_key_needed";
inline constexpr std::string_view kKeyNotApplicableReason = "encryption_key_not_applicable";

// The key that came with a request (SSE-C). Never stored.
struct CustomerKey {
  crypto::Secret secret;
  std::string md5_base64;  // as the client sent it: answers repeat it
};

// How what is written shall be encrypted.
struct Choice {
  Method method = Method::kS3;
  std::string key_name;  // of kKms: in the key file
  std::string key_text;  // of kKms: as answers name it
  std::string context;
  bool bucket_key = false;
  std::optional<CustomerKey> customer;  // of kCustomer
};

class Vault {
 public:
  // keys: null where there is no key file; then only customers' keys work (kUnsupported else). Both
  // outlive this; random is fit for secrets.
  Vault(const KeyRing* keys, RandomSource& random) noexcept : keys_(keys), random_(random) {}

  struct Protection {
    std::string envelope;  // goes into the record
    crypto::Secret data_key;
    bool etag_is_md5 = false;  // of the plain bytes: only for kS3, as on AWS
  };
  [[nodiscard]] Result<Protection> protect(const Choice& choice, std::string_view bucket,
                                           std::string_view key) const;

  // The data key of what is stored with this envelope. kInvalidArgument/encryption_key_needed,
  // kInvalidArgument/encryption_key_not_applicable, kPermissionDenied/wrong_encryption_key,
  // kCorrupt. An empty envelope is bytes in the clear: nothing.
  [[nodiscard]] Result<std::optional<crypto::Secret>> unlock(
      std::string_view envelope, const std::optional<CustomerKey>& customer,
      std::string_view bucket, std::string_view key) const;

  // For the salts of parts.
  [[nodiscard]] RandomSource& random() const noexcept { return random_; }

 private:
  const KeyRing* keys_;
  RandomSource& random_;
};

}  // namespace strata::encryption
