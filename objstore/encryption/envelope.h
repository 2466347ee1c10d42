// Envelope: how an object's bytes are encrypted, as its record keeps it. Holds the data key only
// wrapped; nothing in it is secret.
//
// wrapped := salt:16 ciphertext:32 tag:16 under HMAC-SHA256(wrapping key, label salt), and vouches
// for the method, the key's name and generation, the context, bucket and key. Thread rule: any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/secret.h"

namespace strata::encryption {

// Numbers on disk: never reused, never changed.
enum class Method : uint8_t {
  kS3 = 1,        // a master key of the server's own (SSE-S3)
  kKms = 2,       // a named key of the key file (SSE-KMS)
  kCustomer = 3,  // a key that comes with each request (SSE-C)
};

inline constexpr size_t kKeyNameBytesMax = 256;
inline constexpr size_t kKeyTextBytesMax = 2048;
inline constexpr size_t kContextBytesMax = 4 * kKiB;

struct Envelope {
  Method method = Method::kS3;
  std::string key_name;      // in the key file; empty for a customer's
  std::string generation;    // of that key
  std::string key_text;      // as answers name the key (an id or ARN), for kKms
  std::string context;       // the encryption context as sent, for kKms
  std::string customer_md5;  // of the customer's key, base64 as sent: answers repeat it
  bool bucket_key = false;   // as asked for; every object has a data key of its own all the same
  std::string wrapped;

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

[[nodiscard]] std::string encode(const Envelope& envelope);
// kCorrupt for what encode does not give.
[[nodiscard]] Result<Envelope> decode_envelope(std::string_view bytes);

// Makes a data key and wraps it into the envelope, whose other fields are set.
[[nodiscard]] crypto::Secret make_data_key(Envelope& envelope, const crypto::Secret& wrapping_key,
                                           std::string_view bucket, std::string_view key,
                                           RandomSource& random);

// The data key. kPermissionDenied/wrong_encryption_key if it does not open: another wrapping key,
// or an envelope of another object.
inline constexpr std::string_view kWrongKeyReason = "wrong_encryption_key";
[[nodiscard]] Result<crypto::Secret> open_data_key(const Envelope& envelope,
                                                   const crypto::Secret& wrapping_key,
                                                   std::string_view bucket, std::string_view key);

}  // namespace strata::encryption
