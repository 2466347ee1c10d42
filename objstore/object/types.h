// What an object store talks about: buckets, objects, uploads, conditions. No HTTP here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/digest/checksum.h"
#include "common/io/clock.h"
#include "objstore/object/bucket_settings.h"

namespace strata::object {

// Limits: S3's own where it has one.
inline constexpr size_t kKeyBytesMax = 1024;
inline constexpr size_t kUserMetadataBytesMax = 2 * kKiB;
inline constexpr uint64_t kSinglePutBytesMax = 5 * kGiB;
inline constexpr uint64_t kPartBytesMin = 5 * kMiB;  // except the last part
inline constexpr uint64_t kPartBytesMax = 5 * kGiB;
inline constexpr uint32_t kPartNumberMax = 10'000;
inline constexpr uint64_t kObjectBytesMax = 50 * kTiB;
inline constexpr size_t kListKeysMax = 1000;
inline constexpr size_t kDeleteKeysMax = 1000;
inline constexpr size_t kBucketsMax = 10'000;
inline constexpr size_t kObjectTagsMax = 10;
inline constexpr size_t kBucketTagsMax = 50;
inline constexpr size_t kTagKeyCharactersMax = 128;
inline constexpr size_t kTagValueCharactersMax = 256;
inline constexpr size_t kAclBytesMax = 32 * kKiB;        // the document, opaque here
inline constexpr size_t kEncryptionBytesMax = 8 * kKiB;  // likewise
inline constexpr size_t kRetentionDaysMax = 36'500;
inline constexpr size_t kRetentionYearsMax = 100;

// Reasons that refine an Error's code in this room; a wire maps them to its own words.
namespace reason {
inline constexpr std::string_view kNoSuchBucket = "no_such_bucket";
inline constexpr std::string_view kNoSuchKey = "no_such_key";
inline constexpr std::string_view kNoSuchUpload = "no_such_upload";
inline constexpr std::string_view kBucketExists = "bucket_already_owned_by_you";
inline constexpr std::string_view kBucketOfAnother = "bucket_already_exists";
inline constexpr std::string_view kTooManyBuckets = "too_many_buckets";
inline constexpr std::string_view kBucketNotEmpty = "bucket_not_empty";
inline constexpr std::string_view kInvalidBucketName = "invalid_bucket_name";
inline constexpr std::string_view kInvalidKey = "invalid_key";
inline constexpr std::string_view kKeyTooLong = "key_too_long";
inline constexpr std::string_view kMetadataTooLarge = "metadata_too_large";
inline constexpr std::string_view kEntityTooLarge = "entity_too_large";
inline constexpr std::string_view kEntityTooSmall = "entity_too_small";
inline constexpr std::string_view kIncompleteBody = "incomplete_body";  // not of the stated length
inline constexpr std::string_view kInvalidPart = "invalid_part";
inline constexpr std::string_view kInvalidPartOrder = "invalid_part_order";
inline constexpr std::string_view kInvalidPartNumber = "invalid_part_number";
inline constexpr std::string_view kInvalidRange = "invalid_range";
inline constexpr std::string_view kBadDigest = "bad_digest";  // a checksum the caller sent
inline constexpr std::string_view kConditionalConflict = "conditional_request_conflict";
inline constexpr std::string_view kCopyToItself = "copy_to_itself";
inline constexpr std::string_view kNoSuchVersion = "no_such_version";
inline constexpr std::string_view kInvalidVersionId = "invalid_version_id";
// The current version is a delete marker: there is no object, but something to tell of it.
inline constexpr std::string_view kDeleted = "deleted";
inline constexpr std::string_view kIsDeleteMarker = "is_delete_marker";  // the version asked for
inline constexpr std::string_view kInvalidTag = "invalid_tag";
inline constexpr std::string_view kTooManyTags = "too_many_tags";
inline constexpr std::string_view kLocked = "object_locked";  // by retention or a legal hold
inline constexpr std::string_view kInvalidBucketState = "invalid_bucket_state";
inline constexpr std::string_view kBucketNotLockable = "bucket_without_object_lock";
inline constexpr std::string_view kInvalidLockRequest = "invalid_lock_request";
inline constexpr std::string_view kInvalidCopyRange = "invalid_copy_range";
// The drives that hold it are out of service or away: replica::kReasonTooFewDrives.
inline constexpr std::string_view kTooFewDrives = "too_few_drives";
}  // namespace reason

using io::WallTime;

// What the client says of an object's content; empty means absent.
struct Attributes {
  std::string content_type;
  std::string content_encoding;
  std::string content_language;
  std::string content_disposition;
  std::string cache_control;
  std::string expires;  // as sent
  std::string website_redirect_location;
  std::string storage_class;  // empty means STANDARD
  // Names in lower case without "x-amz-meta-", sorted; values as sent.
  std::vector<std::pair<std::string, std::string>> user_metadata;
};

// Key and value, in the order given.
using Tags = std::vector<std::pair<std::string, std::string>>;

enum class RetentionMode : uint8_t { kGovernance = 1, kCompliance = 2 };  // numbers on disk
// A version may not be removed before that time; governance may be bypassed, compliance may not.
struct Retention {
  RetentionMode mode = RetentionMode::kGovernance;
  WallTime until{};
  friend bool operator==(const Retention&, const Retention&) = default;
};

// What a version carries besides its bytes and their description.
struct Extras {
  std::string owner;  // the account's number; empty: the bucket's owner
  Tags tags;
  std::string acl;  // a document, opaque here; empty: nobody but the owner
  std::optional<Retention> retention;
  std::optional<bool> legal_hold;  // whether it holds; absent: none was ever set
  std::string encryption;          // how the bytes are encrypted, opaque here; empty: not at all
  friend bool operator==(const Extras&, const Extras&) = default;
};

// A checksum that the client sent or asked for, kept with the object.
struct StoredChecksum {
  digest::ChecksumAlgorithm algorithm{};
  std::string value;       // raw bytes, not base64
  bool composite = false;  // of the parts' checksums (multipart), else of the whole object
  uint32_t parts = 0;      // for a composite one
};

struct BucketInfo {
  std::string name;
  WallTime created{};
  std::string region;
  std::string owner;  // the account's number; empty: the account of the first start
  std::shared_ptr<const BucketSettings> settings;  // never null in an answer
};

struct ObjectInfo {
  std::string key;
  std::string version_id = "null";
  uint64_t size_bytes = 0;
  std::string etag;  // without quotes: 32 hex digits, or 32 hex digits "-" number of parts
  WallTime modified{};
  Attributes attributes;
  std::vector<StoredChecksum> checksums;
  uint32_t parts = 0;  // of a multipart object; 0 for a simple one
  Extras extras;
  bool delete_marker = false;  // says that the key was deleted; without bytes or attributes
};

// Conditions on the current version. ETags without quotes; "*" matches any version.
struct Conditions {
  std::optional<std::string> if_match;       // a list as sent, or "*"
  std::optional<std::string> if_none_match;  // a list as sent, or "*"
  std::optional<WallTime> if_modified_since;
  std::optional<WallTime> if_unmodified_since;
  std::optional<WallTime> if_match_modified;    // of a removal: exactly that time, in seconds
  std::optional<uint64_t> if_match_size_bytes;  // of a removal
  [[nodiscard]] bool empty() const noexcept {
    return !if_match && !if_none_match && !if_modified_since && !if_unmodified_since &&
           !if_match_modified && !if_match_size_bytes;
  }
};

// RFC 9110 section 13.1.5: one strong entity tag, or exactly that time of modification. Neither:
// never holds.
struct IfRange {
  std::optional<std::string> etag;
  std::optional<WallTime> modified;
};

// One version of a key: the named one, or the current one.
struct VersionName {
  std::string bucket;
  std::string key;
  std::optional<std::string> version_id;
};

// As HTTP has it: first-last, first-, -suffix.
struct ByteRange {
  std::optional<uint64_t> first;
  std::optional<uint64_t> last;    // inclusive
  std::optional<uint64_t> suffix;  // the last so many bytes
};

}  // namespace strata::object
