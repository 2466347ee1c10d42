#include "objstore/settings/default_encryption.h"

#include <utility>

#include "common/base/parse.h"

namespace strata::settings {
namespace {

using codec::XmlElement;

constexpr size_t kEncryptionElementsMax = 64;
constexpr std::string_view kAes256 = "AES256";
constexpr std::string_view kKms = "aws:kms";
constexpr std::string_view kDsse = "aws:kms:dsse";

Status parse_apply(const XmlElement& element, DefaultEncryption& into) {
  std::optional<std::string> algorithm;
  std::optional<std::string> key_id;
  for (const XmlElement& child : element.children) {
    if (child.name == "SSEAlgorithm") {
      TRY(take_once(child, algorithm));
    } else if (child.name == "KMSMasterKeyID") {
      TRY(take_once(child, key_id));
    } else {
      return malformed();
    }
  }
  if (!algorithm) return malformed();
  const std::string_view name = trim(*algorithm);
  if (name == kDsse) return unsupported("aws:kms:dsse: use aws:kms or AES256");
  if (name != kAes256 && name != kKms) return malformed();
  into.kms = name == kKms;
  if (!key_id) return {};
  if (!into.kms) {
    return invalid_argument(
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "
        "aws:kms:dsse");
  }
  into.kms_key_id = trim(*key_id);
  if (into.kms_key_id.empty() || into.kms_key_id.size() > kKmsKeyIdBytesMax) {
    return invalid_argument("KMSMasterKeyID must name a key in 1 to 2048 characters");
  }
  return {};
}

// Blocking nothing is what is the case anyway.
Status parse_blocked(const XmlElement& element) {
  for (const XmlElement& child : element.children) {
    if (child.name != "EncryptionType") return malformed();
    if (trim(child.text) != "NONE") return unsupported("BlockedEncryptionTypes other than NONE");
  }
  return {};
}

}  // namespace

Result<DefaultEncryption> parse_default_encryption(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_root(xml, "ServerSideEncryptionConfiguration",
                                               kEncryptionXmlBytesMax, kEncryptionElementsMax));
  if (root.children.size() != 1 || root.children.front().name != "Rule") return malformed();
  DefaultEncryption configuration;
  bool applies = false;
  std::optional<bool> bucket_key;
  for (const XmlElement& child : root.children.front().children) {
    if (child.name == "ApplyServerSideEncryptionByDefault") {
      if (applies) return malformed();
      applies = true;
      TRY(parse_apply(child, configuration));
    } else if (child.name == "BucketKeyEnabled") {
      TRY(take_bool(child, bucket_key));
    } else if (child.name == "BlockedEncryptionTypes") {
      TRY(parse_blocked(child));
    } else {
      return malformed();
    }
  }
  if (!applies) return malformed();
  configuration.bucket_key = bucket_key.value_or(false);
  return configuration;
}

std::string render_default_encryption(const DefaultEncryption& configuration) {
  codec::XmlWriter xml("ServerSideEncryptionConfiguration", kXmlNamespace);
  xml.open("Rule").open("ApplyServerSideEncryptionByDefault");
  xml.element("SSEAlgorithm", configuration.kms ? kKms : kAes256);
  if (!configuration.kms_key_id.empty()) xml.element("KMSMasterKeyID", configuration.kms_key_id);
  xml.close();
  xml.element("BucketKeyEnabled", configuration.bucket_key);
  return xml.finish();
}

}  // namespace strata::settings
