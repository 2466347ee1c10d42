#include "objstore/s3/encryption_fields.h"

#include <algorithm>
#include <string>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/s3/errors.h"

namespace strata::s3 {
namespace {

using encryption::Choice;
using encryption::CustomerKey;
using encryption::Method;

constexpr std::string_view kEncryptionPrefix = "x-amz-server-side-encryption";
constexpr std::string_view kKeyId = "x-amz-server-side-encryption-aws-kms-key-id";
constexpr std::string_view kContext = "x-amz-server-side-encryption-context";
constexpr std::string_view kBucketKey = "x-amz-server-side-encryption-bucket-key-enabled";
constexpr std::string_view kAes256 = "AES256";
constexpr std::string_view kKms = "aws:kms";
constexpr std::string_view kDsse = "aws:kms:dsse";

struct CustomerFields {
  std::string_view algorithm;
  std::string_view key;
  std::string_view key_md5;
};
constexpr CustomerFields kKeyOfObject = {"x-amz-server-side-encryption-customer-algorithm",
                                         "x-amz-server-side-encryption-customer-key",
                                         "x-amz-server-side-encryption-customer-key-md5"};
constexpr CustomerFields kKeyOfCopySource = {
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5"};

Error invalid_field(std::string message) {
  return {Code::kInvalidArgument, code::kInvalidArgument, std::move(message)};
}

Error needed_field(std::string_view what) {
  return invalid_field(
      "Requests specifying Server Side Encryption with Customer provided keys must provide " +
      std::string(what));
}

// A key's name out of an id, an alias or an ARN of either.
std::string_view key_name_of(std::string_view id) {
  if (id.starts_with("arn:")) {
    const size_t colon = id.rfind(':');
    id.remove_prefix(colon + 1);
    if (id.starts_with("key/")) id.remove_prefix(4);
  }
  if (id.starts_with("alias/")) id.remove_prefix(6);
  return id;
}

// The form of AWS's own key ids: 8-4-4-4-12 hex digits.
bool is_uuid(std::string_view id) {
  constexpr size_t kUuidBytes = 36;
  if (id.size() != kUuidBytes) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (id[i] == '-')) return false;
  }
  return true;
}

std::string arn_of(const Service& service, std::string_view name) {
  return "arn:aws:kms:" + service.region + ":" + service.directory.owner_account() + ":key/" +
         std::string(name);
}

// A key that is named by a plain word, which no key on AWS is, is made when it is first used.
Status ensure_key(encryption::KeyRing& keys, std::string_view id, const std::string& name) {
  if (name == encryption::kS3KeyName) return invalid_field("That key is the server's own.");
  if (keys.has(name)) return {};
  const bool plain = id == name && !is_uuid(id) && encryption::check_key_name(name).ok();
  if (!plain) {
    return Error(Code::kInvalidArgument, code::kKmsNotFound,
                 "Key '" + std::string(id) + "' does not exist");
  }
  Status made = keys.create(name);
  if (!made.ok() && made.error().code != Code::kAlreadyExists) return made;
  return {};
}

// kms_key_id: empty for the default key.
Result<Choice> kms_choice(Service& service, std::string_view id) {
  if (service.keys == nullptr) return not_implemented("aws:kms without a key file");
  Choice choice;
  choice.method = Method::kKms;
  choice.key_name = id.empty() ? encryption::kDefaultKmsKeyName : key_name_of(id);
  TRY(ensure_key(*service.keys, id.empty() ? choice.key_name : id, choice.key_name));
  const bool plain = !id.empty() && id == choice.key_name && !is_uuid(id);
  choice.key_text = plain ? std::string(id) : arn_of(service, choice.key_name);
  return choice;
}

// Base64 of a JSON object, as sent: its text is vouched for, not understood.
Result<std::string> parse_context(const http::Fields& fields) {
  const std::string* const sent = fields.find(kContext);
  if (sent == nullptr) return std::string();
  const std::optional<std::string> json = codec::from_base64(*sent);
  const std::string_view text = json ? trim(*json) : std::string_view();
  if (sent->size() > encryption::kContextBytesMax || !text.starts_with('{') ||
      !text.ends_with('}') || !codec::is_utf8(text)) {
    return invalid_field("The header '" + std::string(kContext) +
                         "' shall be Base64-encoded UTF-8 string holding JSON which represents a "
                         "string-string map");
  }
  return *sent;
}

Result<std::optional<bool>> parse_bucket_key(const http::Fields& fields) {
  const std::string* const sent = fields.find(kBucketKey);
  if (sent == nullptr) return std::optional<bool>();
  if (ascii_iequals(*sent, "true")) return std::optional<bool>(true);
  if (ascii_iequals(*sent, "false")) return std::optional<bool>(false);
  return invalid_field("The value of " + std::string(kBucketKey) + " is invalid.");
}

// What the request's own fields ask for; nullopt: they say nothing.
Result<std::optional<Choice>> stated_choice(Service& service, const http::Fields& fields) {
  const std::string* const method = fields.find(kEncryptionPrefix);
  const std::string* const key_id = fields.find(kKeyId);
  if (method == nullptr) {
    if (key_id != nullptr || fields.find(kContext) != nullptr) {
      return invalid_field(std::string(kEncryptionPrefix) +
                           " is required with a key id or context.");
    }
    return std::optional<Choice>();
  }
  if (*method == kDsse) return not_implemented(kDsse);
  if (*method == kAes256) {
    if (service.keys == nullptr) return not_implemented("encryption without a key file");
    if (key_id != nullptr || fields.find(kContext) != nullptr) {
      return invalid_field("The header fields of aws:kms are incompatible with AES256.");
    }
    return std::optional<Choice>(Choice{});
  }
  if (*method != kKms) return invalid_field("The encryption method specified is not supported");
  TRY_ASSIGN(Choice choice, kms_choice(service, key_id == nullptr ? std::string_view() : *key_id));
  TRY_ASSIGN(choice.context, parse_context(fields));
  return std::optional<Choice>(std::move(choice));
}

Result<std::optional<Choice>> default_choice(Service& service, const ParsedSettings& parsed) {
  if (parsed.unreadable_encryption) {
    return Error(Code::kUnsupported, "the bucket's default encryption cannot be read");
  }
  if (!parsed.encryption || service.keys == nullptr) return std::optional<Choice>();
  if (!parsed.encryption->kms) return std::optional<Choice>(Choice{});
  TRY_ASSIGN(Choice choice, kms_choice(service, parsed.encryption->kms_key_id));
  choice.bucket_key = parsed.encryption->bucket_key;
  return std::optional<Choice>(std::move(choice));
}

}  // namespace

bool is_encryption_field(std::string_view name) noexcept {
  return name == kEncryptionPrefix || name == kKeyId || name == kContext || name == kBucketKey ||
         name == kKeyOfObject.algorithm || name == kKeyOfObject.key ||
         name == kKeyOfObject.key_md5 || name == kKeyOfCopySource.algorithm ||
         name == kKeyOfCopySource.key || name == kKeyOfCopySource.key_md5;
}

bool carries_customer_key(const http::Fields& fields) noexcept {
  return fields.find(kKeyOfObject.key) != nullptr || fields.find(kKeyOfCopySource.key) != nullptr;
}

Result<std::optional<CustomerKey>> customer_key(const http::Fields& fields, KeyOf which) {
  const CustomerFields& names = which == KeyOf::kObject ? kKeyOfObject : kKeyOfCopySource;
  const std::string* const algorithm = fields.find(names.algorithm);
  const std::string* const key = fields.find(names.key);
  const std::string* const md5 = fields.find(names.key_md5);
  if (algorithm == nullptr && key == nullptr && md5 == nullptr) {
    return std::optional<CustomerKey>();
  }
  if (algorithm == nullptr) return needed_field("a valid encryption algorithm.");
  if (*algorithm != kAes256) {
    return Error(Code::kInvalidArgument, code::kInvalidEncryptionAlgorithm,
                 "The encryption request you specified is not valid. The valid value is AES256.");
  }
  if (key == nullptr) return needed_field("an appropriate secret key.");
  if (md5 == nullptr) return needed_field("the client calculated MD5 of the secret key.");
  std::optional<std::string> raw = codec::from_base64(*key);
  if (!raw || raw->size() != crypto::kKeyBytes) {
    return invalid_field("The secret key was invalid for the specified algorithm.");
  }
  const std::string actual = codec::to_base64(digest::md5(as_bytes(*raw)));
  CustomerKey customer{crypto::Secret(as_bytes(*raw)), *md5};
  crypto::wipe(std::as_writable_bytes(std::span(*raw)));
  if (!digest::equal_constant_time(actual, *md5)) {
    return invalid_field(
        "The calculated MD5 hash of the key did not match the hash that was provided.");
  }
  return std::optional<CustomerKey>(std::move(customer));
}

async::Task<Result<std::optional<Choice>>> write_encryption(const Call& call) {
  const http::Fields& fields = call.request.fields();
  CO_TRY_ASSIGN(std::optional<CustomerKey> customer, customer_key(fields));
  if (customer) {
    if (fields.find(kEncryptionPrefix) != nullptr || fields.find(kKeyId) != nullptr) {
      co_return invalid_field(
          "Server Side Encryption with Customer provided key is incompatible with the encryption "
          "method specified");
    }
    Choice choice;
    choice.method = Method::kCustomer;
    choice.customer = std::move(customer);
    co_return std::optional<Choice>(std::move(choice));
  }
  CO_TRY_ASSIGN(std::optional<Choice> choice, stated_choice(call.service, fields));
  CO_TRY_ASSIGN(const std::optional<bool> bucket_key, parse_bucket_key(fields));
  if (!choice) {
    CO_TRY_ASSIGN(const object::BucketInfo bucket,
                  co_await call.service.store.bucket(call.request.bucket()));
    const std::shared_ptr<const ParsedSettings> parsed = call.service.settings->of(bucket);
    CO_TRY_ASSIGN(choice, default_choice(call.service, *parsed));
  }
  if (choice && choice->method == Method::kKms && bucket_key) choice->bucket_key = *bucket_key;
  co_return std::move(choice);
}

Status check_read_encryption(const http::Fields& fields) {
  for (const std::string_view name : {kEncryptionPrefix, kKeyId, kContext, kBucketKey}) {
    if (fields.find(name) != nullptr) {
      return invalid_field(std::string(name) + " header is not supported for this operation.");
    }
  }
  return {};
}

void add_encryption_fields(http::Fields& fields, const object::Extras& extras, bool written) {
  if (extras.encryption.empty()) return;
  const Result<encryption::Envelope> envelope = encryption::decode_envelope(extras.encryption);
  if (!envelope.ok()) return;
  switch (envelope->method) {
    case Method::kS3:
      fields.add(std::string(kEncryptionPrefix), std::string(kAes256));
      return;
    case Method::kKms:
      fields.add(std::string(kEncryptionPrefix), std::string(kKms));
      fields.add(std::string(kKeyId), envelope->key_text);
      if (envelope->bucket_key) fields.add(std::string(kBucketKey), "true");
      if (written && !envelope->context.empty()) {
        fields.add(std::string(kContext), envelope->context);
      }
      return;
    case Method::kCustomer:
      fields.add(std::string(kKeyOfObject.algorithm), std::string(kAes256));
      fields.add(std::string(kKeyOfObject.key_md5), envelope->customer_md5);
      return;
  }
}

}  // namespace strata::s3
