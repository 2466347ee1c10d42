#include "objstore/object/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/codec/text.h"
#include "objstore/object/object_store.h"

namespace strata::object {
namespace {

constexpr size_t kBucketNameMin = 3;
constexpr size_t kBucketNameMax = 63;

// Reserved by AWS for access points, directory buckets and its own documentation:
// docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
constexpr std::string_view kReservedPrefixes[] = {"xn--", "sthree-", "amzn-s3-demo-"};
constexpr std::string_view kReservedSuffixes[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3",
                                                  "--table-s3"};

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Four runs of digits between three dots, whatever their values.
bool looks_like_address(std::string_view name) noexcept {
  size_t dots = 0;
  for (const char c : name) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;
    }
  }
  return dots == 3;
}

Error bad_bucket_name(std::string_view why) {
  return Error(Code::kInvalidArgument, reason::kInvalidBucketName,
               fmt::format("not a valid bucket name: {}", why));
}

}  // namespace

Status check_bucket_name(std::string_view name) {
  if (name.size() < kBucketNameMin || name.size() > kBucketNameMax) {
    return bad_bucket_name("use 3 to 63 characters");
  }
  for (const char c : name) {
    if (!is_letter_or_digit(c) && c != '.' && c != '-') {
      return bad_bucket_name("use lower-case letters, digits, dots and hyphens only");
    }
  }
  if (!is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back())) {
    return bad_bucket_name("begin and end with a letter or digit");
  }
  if (name.find("..") != std::string_view::npos) {
    return bad_bucket_name("no two dots in a row");
  }
  if (looks_like_address(name)) return bad_bucket_name("it must not look like an IP address");
  for (const std::string_view prefix : kReservedPrefixes) {
    if (name.starts_with(prefix)) {
      return bad_bucket_name(fmt::format("the beginning {} is reserved", prefix));
    }
  }
  for (const std::string_view suffix : kReservedSuffixes) {
    if (name.ends_with(suffix)) {
      return bad_bucket_name(fmt::format("the ending {} is reserved", suffix));
    }
  }
  return {};
}

Status check_key(std::string_view key) {
  if (key.empty()) {
    return Error(Code::kInvalidArgument, reason::kInvalidKey, "an object key must not be empty");
  }
  if (key.size() > kKeyBytesMax) {
    return Error(
        Code::kInvalidArgument, reason::kKeyTooLong,
        fmt::format("the key has {} bytes; at most {} are allowed", key.size(), kKeyBytesMax));
  }
  if (key.find('\0') != std::string_view::npos) {
    return Error(Code::kInvalidArgument, reason::kInvalidKey,
                 "an object key must not contain a NUL byte");
  }
  if (!codec::is_utf8(key)) {
    return Error(Code::kInvalidArgument, reason::kInvalidKey, "an object key must be valid UTF-8");
  }
  return {};
}

Status check_attributes(const Attributes& attributes) {
  for (const std::string* value :
       {&attributes.content_type, &attributes.content_encoding, &attributes.content_language,
        &attributes.content_disposition, &attributes.cache_control, &attributes.expires,
        &attributes.website_redirect_location, &attributes.storage_class}) {
    if (value->size() > kAttributeBytesMax) {
      return Error(Code::kInvalidArgument,
                   fmt::format("an attribute of the object has {} bytes; at most {} are allowed",
                               value->size(), kAttributeBytesMax));
    }
  }
  size_t bytes = 0;
  for (const auto& [name, value] : attributes.user_metadata) {
    if (name.empty()) {
      return Error(Code::kInvalidArgument, "user metadata needs a name after x-amz-meta-");
    }
    bytes += name.size() + value.size();
  }
  if (bytes > kUserMetadataBytesMax) {
    return Error(Code::kTooLarge, reason::kMetadataTooLarge,
                 fmt::format("the user metadata has {} bytes; at most {} are allowed", bytes,
                             kUserMetadataBytesMax));
  }
  return {};
}

Status check_names(std::string_view bucket, std::string_view key) {
  TRY(check_bucket_name(bucket));
  return check_key(key);
}

}  // namespace strata::object
