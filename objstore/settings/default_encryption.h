// The encryption that objects get whose requests name none.
//
// Source: Amazon S3 API reference, PutBucketEncryption. Thread rule: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/settings/document.h"

namespace strata::settings {

inline constexpr size_t kEncryptionXmlBytesMax = 16 * kKiB;
// A KMS key's id, alias or ARN.
inline constexpr size_t kKmsKeyIdBytesMax = 2048;

struct DefaultEncryption {
  bool kms = false;        // aws:kms, else AES256
  std::string kms_key_id;  // empty: the default key
  bool bucket_key = false;
};

// NotImplemented for aws:kms:dsse and for encryption types to be blocked.
[[nodiscard]] Result<DefaultEncryption> parse_default_encryption(std::string_view xml);
[[nodiscard]] std::string render_default_encryption(const DefaultEncryption& configuration);

}  // namespace strata::settings
