#include "objstore/s3/request_fields.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"

namespace strata::s3 {

namespace {

constexpr std::string_view kAmz = "x-amz-";
constexpr std::string_view kMeta = "x-amz-meta-";

// Fields that are honoured, by whichever operation has a use for them.
constexpr std::string_view kHonoured[] = {
    "x-amz-checksum-algorithm",
    "x-amz-checksum-mode",
    "x-amz-checksum-type",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-metadata-directive",
    "x-amz-mp-object-size",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-source-expected-bucket-owner",
    "x-amz-storage-class",
    "x-amz-trailer",
    "x-amz-website-redirect-location",
};

// Fields that only some operations have a use for.
struct OnlyFor {
  std::string_view field;
  std::string_view operations;  // with a space before and behind each
};
constexpr std::string_view kMakesObjects =
    " PutObject PostObject CopyObject CreateMultipartUpload ";
constexpr std::string_view kTakesKeys =
    " PutObject PostObject CopyObject CreateMultipartUpload UploadPart UploadPartCopy GetObject "
    "HeadObject GetObjectAttributes CompleteMultipartUpload ListParts ";
// A read that asks for encryption is refused with S3's own error: see check_read_encryption.
constexpr std::string_view kStatesEncryption =
    " PutObject PostObject CopyObject CreateMultipartUpload GetObject HeadObject ";
constexpr std::string_view kTakesAcl =
    " PutObject PostObject CopyObject CreateMultipartUpload CreateBucket PutBucketAcl "
    "PutObjectAcl ";
constexpr OnlyFor kOnlyFor[] = {
    {"x-amz-server-side-encryption", kStatesEncryption},
    {"x-amz-server-side-encryption-aws-kms-key-id", kStatesEncryption},
    {"x-amz-server-side-encryption-bucket-key-enabled", kStatesEncryption},
    {"x-amz-server-side-encryption-context", kStatesEncryption},
    {"x-amz-server-side-encryption-customer-algorithm", kTakesKeys},
    {"x-amz-server-side-encryption-customer-key", kTakesKeys},
    {"x-amz-server-side-encryption-customer-key-md5", kTakesKeys},
    {"x-amz-copy-source-server-side-encryption-customer-algorithm", " CopyObject UploadPartCopy "},
    {"x-amz-copy-source-server-side-encryption-customer-key", " CopyObject UploadPartCopy "},
    {"x-amz-copy-source-server-side-encryption-customer-key-md5", " CopyObject UploadPartCopy "},
    {"x-amz-transition-default-minimum-object-size", " PutBucketLifecycleConfiguration "},
    {"x-amz-bucket-object-lock-enabled", " CreateBucket "},
    {"x-amz-bypass-governance-retention", " DeleteObject DeleteObjects PutObjectRetention "},
    {"x-amz-if-match-last-modified-time", " DeleteObject "},
    {"x-amz-copy-source-range", " UploadPartCopy "},
    {"x-amz-if-match-size", " DeleteObject "},
    {"x-amz-max-parts", " GetObjectAttributes "},
    {"x-amz-object-attributes", " GetObjectAttributes "},
    {"x-amz-part-number-marker", " GetObjectAttributes "},
    {"x-amz-object-lock-legal-hold", kMakesObjects},
    {"x-amz-object-lock-mode", kMakesObjects},
    {"x-amz-object-lock-retain-until-date", kMakesObjects},
    {"x-amz-tagging", kMakesObjects},
    {"x-amz-tagging-directive", " CopyObject "},
    {"x-amz-acl", kTakesAcl},
    {"x-amz-confirm-remove-self-bucket-access", " PutBucketPolicy "},
    {"x-amz-grant-full-control", kTakesAcl},
    {"x-amz-grant-read", kTakesAcl},
    {"x-amz-grant-read-acp", kTakesAcl},
    {"x-amz-grant-write", " CreateBucket PutBucketAcl PutObjectAcl "},
    {"x-amz-grant-write-acp", kTakesAcl},
    {"x-amz-object-ownership", " CreateBucket "},
};

// Fields without a request in them: who pays where nobody pays, how the client names itself, and
// attributes that no object here has.
constexpr std::string_view kWithoutEffect[] = {
    "x-amz-request-payer",
    "x-amz-user-agent",
    "x-amz-optional-object-attributes",
    "x-amz-te",
};

constexpr std::string_view kStorageClasses[] = {
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA",  "ONEZONE_IA",
    "GLACIER",  "GLACIER_IR",         "DEEP_ARCHIVE", "INTELLIGENT_TIERING",
};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_for(std::string_view field, std::string_view operation) {
  const std::string word = " " + std::string(operation) + " ";
  for (const OnlyFor& row : kOnlyFor) {
    if (row.field == field) return row.operations.find(word) != std::string_view::npos;
  }
  return false;
}

// Whether the field is a checksum of the body; the algorithm is judged where it is parsed.
bool is_checksum(std::string_view name) {
  return name.starts_with("x-amz-checksum-");
}

// Only metadata may come twice: of anything else one value would be followed and another not.
Status check_comes_once(const http::Fields& fields, const std::string& name) {
  if (name.starts_with(kMeta) || fields.count(name) == 1) return {};
  return Error(Code::kInvalidArgument, code::kInvalidArgument,
               "The header " + name + " comes more than once.");
}

Status check_expected_owner(std::string_view expected, std::string_view owner) {
  if (expected == owner) return {};
  constexpr size_t kAccountDigits = 12;
  if (expected.size() != kAccountDigits || !parse_u64(expected)) {
    return Error(Code::kInvalidArgument, code::kInvalidExpectedOwner,
                 "The value of the expected bucket owner parameter must be an AWS Account ID.");
  }
  return Error(Code::kPermissionDenied, code::kAccessDenied,
               "The bucket is owned by another account than the one you expected.");
}

// Where a website sends whoever asks for the object.
Status check_redirect(std::string_view location) {
  if (location.starts_with('/') || location.starts_with("http://") ||
      location.starts_with("https://")) {
    return {};
  }
  return Error(Code::kInvalidArgument, code::kInvalidRedirect,
               "The website redirect location must have a prefix of 'http://' or 'https://' or "
               "'/'.");
}

Result<std::optional<std::string>> etag_condition(const http::Fields& fields,
                                                  std::string_view name) {
  const std::string* value = fields.find(name);
  if (value == nullptr) return std::optional<std::string>();
  if (value->size() > kConditionBytesMax || value->empty()) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "The value of " + std::string(name) + " is empty or too long.");
  }
  return std::optional<std::string>(*value);
}

std::optional<object::WallTime> date_condition(const http::Fields& fields, std::string_view name) {
  const std::string* value = fields.find(name);
  if (value == nullptr) return std::nullopt;
  return codec::parse_http_date(*value);
}

// What the four conditions are called, for the object itself and for the source of a copy.
struct ConditionNames {
  std::string_view if_match;
  std::string_view if_none_match;
  std::string_view if_modified_since;
  std::string_view if_unmodified_since;
};
constexpr ConditionNames kOfObject = {"if-match", "if-none-match", "if-modified-since",
                                      "if-unmodified-since"};
constexpr ConditionNames kOfCopySource = {
    "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since"};

Result<object::Conditions> conditions_with(const http::Fields& fields,
                                           const ConditionNames& names) {
  object::Conditions conditions;
  TRY_ASSIGN(conditions.if_match, etag_condition(fields, names.if_match));
  TRY_ASSIGN(conditions.if_none_match, etag_condition(fields, names.if_none_match));
  conditions.if_modified_since = date_condition(fields, names.if_modified_since);
  conditions.if_unmodified_since = date_condition(fields, names.if_unmodified_since);
  return conditions;
}

}  // namespace

Status check_supported(const http::Fields& fields, const OperationInfo& operation,
                       std::string_view owner) {
  for (const auto& [name, value] : fields.all()) {
    if (!name.starts_with(kAmz)) continue;
    TRY(check_comes_once(fields, name));
    // Of a copy's source: asked where its bucket is known (permission.h).
    if (name == "x-amz-expected-bucket-owner" && !owner.empty()) {
      TRY(check_expected_owner(value, owner));
      continue;
    }
    if (name.starts_with(kMeta) || is_checksum(name) || contains(kHonoured, name) ||
        contains(kWithoutEffect, name) || is_for(name, operation.name)) {
      continue;
    }
    return not_implemented(name);
  }
  if (fields.find("x-amz-copy-source") != nullptr && operation.header != "x-amz-copy-source") {
    return not_implemented("x-amz-copy-source");
  }
  return {};
}

Result<object::Conditions> read_conditions(const http::Fields& fields) {
  return conditions_with(fields, kOfObject);
}

Result<object::Conditions> copy_source_conditions(const http::Fields& fields) {
  return conditions_with(fields, kOfCopySource);
}

Result<object::Conditions> write_conditions(const http::Fields& fields) {
  TRY_ASSIGN(object::Conditions conditions, conditions_with(fields, kOfObject));
  if (fields.find("if-modified-since") != nullptr ||
      fields.find("if-unmodified-since") != nullptr) {
    return not_implemented("If-Modified-Since or If-Unmodified-Since on a write");
  }
  if (conditions.if_none_match && *conditions.if_none_match != "*") {
    return not_implemented("If-None-Match with another value than * on a write");
  }
  if (conditions.if_match && conditions.if_none_match) {
    return not_implemented("If-Match together with If-None-Match on a write");
  }
  return conditions;
}

Result<object::Conditions> removal_conditions(const http::Fields& fields) {
  if (fields.find("if-none-match") != nullptr) {
    return not_implemented("If-None-Match on a removal");
  }
  TRY_ASSIGN(object::Conditions conditions, write_conditions(fields));
  const std::string* modified = fields.find("x-amz-if-match-last-modified-time");
  if (modified != nullptr) {
    TRY_ASSIGN(conditions.if_match_modified, parse_condition_time(*modified));
  }
  const std::string* size = fields.find("x-amz-if-match-size");
  if (size != nullptr) {
    conditions.if_match_size_bytes = parse_u64(trim(*size));
    if (!conditions.if_match_size_bytes) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "x-amz-if-match-size must be a number.");
    }
  }
  return conditions;
}

Result<object::WallTime> parse_condition_time(std::string_view text) {
  text = trim(text);
  auto time = codec::parse_http_date(text);
  if (!time) time = codec::parse_iso8601(text);
  if (time) return *time;
  return Error(Code::kInvalidArgument, code::kInvalidArgument,
               "The last modified time of a condition must be an HTTP date or an ISO 8601 time.");
}

std::optional<object::ByteRange> parse_range(std::string_view field) noexcept {
  if (field.empty() || field.size() > kRangeBytesMax) return std::nullopt;
  const size_t equals = field.find('=');
  if (equals == std::string_view::npos || !ascii_iequals(trim(field.substr(0, equals)), "bytes")) {
    return std::nullopt;
  }
  const std::string_view spec = trim(field.substr(equals + 1));
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view first = trim(spec.substr(0, dash));
  const std::string_view last = trim(spec.substr(dash + 1));
  object::ByteRange range;
  if (first.empty()) {
    range.suffix = parse_u64(last);
    if (!range.suffix) return std::nullopt;
    return range;
  }
  range.first = parse_u64(first);
  if (!range.first) return std::nullopt;
  if (last.empty()) return range;
  range.last = parse_u64(last);
  if (!range.last || *range.last < *range.first) return std::nullopt;
  return range;
}

object::IfRange parse_if_range(std::string_view field) {
  object::IfRange condition;
  field = trim(field);
  if (field.size() <= kConditionBytesMax && field.starts_with('"')) {
    condition.etag = std::string(field);
  } else {
    condition.modified = codec::parse_http_date(field);
  }
  return condition;
}

std::string strip_aws_chunked(std::string_view content_encoding) {
  std::string kept;
  while (!content_encoding.empty()) {
    const size_t comma = content_encoding.find(',');
    const std::string_view token = trim(content_encoding.substr(0, comma));
    content_encoding =
        comma == std::string_view::npos ? std::string_view() : content_encoding.substr(comma + 1);
    if (token.empty() || ascii_iequals(token, "aws-chunked")) continue;
    if (!kept.empty()) kept += ",";
    kept += token;
  }
  return kept;
}

Result<object::Attributes> parse_attributes(const http::Fields& fields) {
  object::Attributes attributes;
  attributes.content_type = fields.get("content-type");
  attributes.content_encoding = strip_aws_chunked(fields.get("content-encoding"));
  attributes.content_language = fields.get("content-language");
  attributes.content_disposition = fields.get("content-disposition");
  attributes.cache_control = fields.get("cache-control");
  attributes.expires = fields.get("expires");
  if (const std::string* redirect = fields.find("x-amz-website-redirect-location")) {
    TRY(check_redirect(*redirect));
    attributes.website_redirect_location = *redirect;
  }
  const std::string* storage_class = fields.find("x-amz-storage-class");
  if (storage_class != nullptr) {
    if (!contains(kStorageClasses, *storage_class)) {
      return Error(Code::kInvalidArgument, code::kInvalidStorageClass,
                   "The storage class you specified is not valid");
    }
    if (*storage_class != "STANDARD") attributes.storage_class = *storage_class;
  }
  auto& metadata = attributes.user_metadata;
  for (const auto& [name, value] : fields.all()) {
    if (!name.starts_with(kMeta)) continue;
    metadata.emplace_back(name.substr(kMeta.size()), value);
  }
  std::stable_sort(metadata.begin(), metadata.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  // A name that came twice has one value, as RFC 9110 section 5.3 joins fields.
  for (size_t i = 1; i < metadata.size();) {
    if (metadata[i].first != metadata[i - 1].first) {
      ++i;
      continue;
    }
    metadata[i - 1].second += "," + metadata[i].second;
    metadata.erase(metadata.begin() + static_cast<ptrdiff_t>(i));
  }
  return attributes;
}

Result<uint32_t> part_number_parameter(const Query& query) {
  const auto number = parse_u64(query.get("partNumber"));
  if (!number || *number == 0 || *number > object::kPartNumberMax) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Part number must be an integer between 1 and 10000, inclusive");
  }
  return static_cast<uint32_t>(*number);
}

Result<uint64_t> number_parameter(const Query& query, std::string_view name, uint64_t otherwise,
                                  uint64_t highest) {
  const std::string* text = query.find(name);
  if (text == nullptr) return otherwise;
  const auto number = parse_u64(*text);
  if (!number || *number > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Argument " + std::string(name) + " must be an integer between 0 and 2147483647.");
  }
  return std::min(*number, highest);
}

}  // namespace strata::s3
