// ObjectStore: what an object store does. Every rule here would be shared by a second protocol.
//
// Guarantees: a success is durable on the replicas; a reader sees one complete version; operations
// on one key are linearizable, conditional ones included; a listing shows only what can be read.
//
// Thread rule: every method from any event loop of the server; readers by one task at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/byte_source.h"
#include "common/async/task.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/io/clock.h"
#include "objstore/encryption/vault.h"
#include "objstore/object/lock_configuration.h"
#include "objstore/object/types.h"
#include "objstore/object/versioning.h"
#include "objstore/replica/store.h"

namespace strata::object {

// What a body turned out to be, once all of it has been read and verified by its source. The caller
// fills it: the checksums that arrive in a trailer are known only then.
using ChecksumsAtEnd = std::function<Result<std::vector<StoredChecksum>>()>;

struct PutRequest {
  std::string bucket;
  std::string key;
  Attributes attributes;
  Extras extras;
  Conditions conditions;
  std::optional<uint64_t> size_bytes;            // if known: a body of another length is an error
  ChecksumsAtEnd checksums;                      // may be empty: called once the body has ended
  std::optional<encryption::Choice> encryption;  // absent: stored in the clear
};

struct GetRequest {
  std::string bucket;
  std::string key;
  std::optional<std::string> version_id;  // absent: the current one
  Conditions conditions;
  std::optional<ByteRange> range;
  std::optional<IfRange> if_range;      // where it does not hold, the range is not asked for
  std::optional<uint32_t> part_number;  // 1-based; excludes range
  // The key of what was stored under a customer's key; must not come with anything else.
  std::optional<encryption::CustomerKey> customer_key;
};

// An open version: its record and, for a GET, its bytes.
struct OpenObject {
  ObjectInfo info;
  uint64_t first = 0;  // the bytes [first, first + length) will be read
  uint64_t length = 0;
  bool partial = false;                         // a range or part was asked for: 206
  std::optional<StoredChecksum> part_checksum;  // of the part asked for, if it has one
  std::unique_ptr<async::ByteSource> body;      // null for head
};

struct CopyRequest {
  std::string source_bucket;
  std::string source_key;
  std::optional<std::string> source_version_id;
  Conditions source_conditions;
  std::string bucket;
  std::string key;
  Conditions conditions;      // on the destination
  Extras extras;              // of the destination; its tags count only where replace_tags
  bool replace_tags = false;  // else the source's are copied
  bool may_copy_tags = true;  // else a source that has tags is kPermissionDenied
  std::optional<Attributes> attributes;  // replaces the source's; absent: the source's are copied
  std::optional<digest::ChecksumAlgorithm> checksum_algorithm;  // computed on the copied bytes
  std::optional<encryption::CustomerKey> source_customer_key;
  std::optional<encryption::Choice> encryption;  // of the destination; absent: in the clear
};

struct CopyResult {
  ObjectInfo info;
  std::string source_version_id;
};

struct RemoveRequest {
  std::string bucket;
  std::string key;
  std::optional<std::string> version_id;  // absent: what is current is deleted
  Conditions conditions;                  // on what is removed
  std::string owner;                      // of a delete marker, should one be made
  bool bypass_governance = false;         // the caller may, and asks for it
};
struct Removal {
  std::string version_id;      // of the version removed, or of the marker made; empty: neither
  bool delete_marker = false;  // it is, or was, a delete marker
};

struct ListVersionsRequest {
  std::string bucket;
  std::string prefix;
  std::string delimiter;
  std::string key_marker;
  std::string version_id_marker;  // with key_marker: versions of that key after this one
  size_t versions_max = kListKeysMax;
};
struct ListedVersion {
  ObjectInfo info;  // also of delete markers
  bool latest = false;
};
struct ListVersionsPage {
  std::vector<ListedVersion> versions;  // by key, the newest first
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key_marker;
  std::string next_version_id_marker;  // empty after a common prefix
};

struct ListRequest {
  std::string bucket;
  std::string prefix;
  std::string delimiter;
  std::string after;  // keys and common prefixes after this one (marker, start-after or token)
  size_t keys_max = kListKeysMax;
};
struct ListPage {
  std::vector<ObjectInfo> objects;           // in byte order of the key
  std::vector<std::string> common_prefixes;  // likewise; together at most keys_max
  bool truncated = false;
  std::string next;  // the `after` of the next page, when truncated
};

struct CreateUploadRequest {
  std::string bucket;
  std::string key;
  Attributes attributes;
  Extras extras;
  std::optional<digest::ChecksumAlgorithm> checksum_algorithm;
  bool checksum_full_object = false;             // FULL_OBJECT, else COMPOSITE
  std::optional<encryption::Choice> encryption;  // of all its parts; absent: in the clear
};
struct UploadInfo {
  std::string key;
  std::string upload_id;
  WallTime started{};
  Attributes attributes;
  Extras extras;
  std::optional<digest::ChecksumAlgorithm> checksum_algorithm;
  bool checksum_full_object = false;
};
struct UploadPartRequest {
  std::string bucket;
  std::string key;
  std::string upload_id;
  uint32_t part_number = 0;  // 1 to kPartNumberMax
  std::optional<uint64_t> size_bytes;
  ChecksumsAtEnd checksums;
  std::optional<encryption::CustomerKey> customer_key;  // that the upload was begun with
};
struct PartInfo {
  uint32_t number = 0;
  uint64_t size_bytes = 0;
  std::string etag;
  WallTime modified{};
  std::vector<StoredChecksum> checksums;
  Extras extras;  // of its upload: how it is encrypted
};
// A part whose bytes are another object's, all of them or a range.
struct CopyPartRequest {
  std::string source_bucket;
  std::string source_key;
  std::optional<std::string> source_version_id;
  Conditions source_conditions;
  std::optional<ByteRange> range;  // first and last, inside the source
  std::string bucket;
  std::string key;
  std::string upload_id;
  uint32_t part_number = 0;
  std::optional<encryption::CustomerKey> source_customer_key;
  std::optional<encryption::CustomerKey> customer_key;  // that the upload was begun with
};
struct CopyPartResult {
  PartInfo part;
  std::string source_version_id;
};
// What there is of a version and its parts.
struct ObjectPartsRequest {
  VersionName name;
  uint32_t after_number = 0;
  size_t parts_max = 1000;
  std::optional<encryption::CustomerKey> customer_key;
};
struct ObjectPart {
  uint32_t number = 0;
  uint64_t size_bytes = 0;
  std::optional<StoredChecksum> checksum;
};
struct ObjectPartsPage {
  ObjectInfo info;
  std::vector<ObjectPart> parts;
  bool truncated = false;
  uint32_t next_part_number = 0;
};
struct CompletePart {
  uint32_t number = 0;
  std::string etag;                       // without quotes
  std::vector<StoredChecksum> checksums;  // as the client repeated them; each must match the part's
};
struct CompleteRequest {
  std::string bucket;
  std::string key;
  std::string upload_id;
  std::vector<CompletePart> parts;  // ascending numbers
  Conditions conditions;
  std::vector<StoredChecksum>
      checksums;                       // of the whole object, as the client states them; verified
  std::optional<uint64_t> size_bytes;  // as the client states it; verified
};
struct ListPartsPage {
  UploadInfo upload;
  std::vector<PartInfo> parts;
  bool truncated = false;
  uint32_t next_part_number = 0;
};
struct ListUploadsRequest {
  std::string bucket;
  std::string prefix;
  std::string delimiter;
  std::string key_marker;
  std::string upload_id_marker;
  size_t uploads_max = kListKeysMax;
};
struct ListUploadsPage {
  std::vector<UploadInfo> uploads;  // by key, then by start
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key_marker;
  std::string next_upload_id_marker;
};

struct CreateBucketRequest {
  std::string name{};
  std::string region{};
  std::string owner{};  // the account's number; empty: the account of the first start
  BucketSettings settings{};
};

class ObjectStore {
 public:
  // The store, clock, random source and keys outlive this. Where something is encrypted, random is
  // fit for secrets and safe from any thread. keys: null where there is no key file.
  ObjectStore(replica::Store& store, const io::Clock& clock, RandomSource& random,
              const encryption::KeyRing* keys = nullptr);
  ~ObjectStore();
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  // kAlreadyExists if it is there: bucket_already_owned_by_you, or bucket_already_exists if it is
  // another owner's.
  [[nodiscard]] async::Task<Status> create_bucket(CreateBucketRequest request);
  // From memory, but for the first time.
  [[nodiscard]] async::Task<Result<BucketInfo>> bucket(std::string name);
  [[nodiscard]] async::Task<Result<std::vector<BucketInfo>>> list_buckets();
  // kConflict/bucket_not_empty while it holds an object or an unfinished upload.
  [[nodiscard]] async::Task<Status> delete_bucket(std::string name);
  // One configuration document of a bucket; nothing removes it. kTooLarge past
  // kBucketSettingBytesMax; the check's own error. Whoever asks for the bucket after success sees
  // the change; requests under way may still act on what was before.
  [[nodiscard]] async::Task<Status> set_bucket_setting(std::string bucket, BucketSetting kind,
                                                       std::optional<std::string> document,
                                                       BucketCheck check = {});

  // Reads the body to its end; nothing is visible unless the body ended well and the conditions
  // held.
  [[nodiscard]] async::Task<Result<ObjectInfo>> put(PutRequest request, async::ByteSource& body);
  [[nodiscard]] async::Task<Result<OpenObject>> get(GetRequest request);
  [[nodiscard]] async::Task<Result<OpenObject>> head(GetRequest request);
  // What there is of a version without its bytes, a delete marker too; no conditions.
  [[nodiscard]] async::Task<Result<ObjectInfo>> describe(VersionName name);
  // Without a version: removes the object, or hides it behind a delete marker where the bucket is
  // or was versioned. With one: removes it for good; the next newest becomes current. Removing
  // what is not there succeeds. kPermissionDenied/object_locked for what may not go yet.
  [[nodiscard]] async::Task<Result<Removal>> remove(RemoveRequest request);
  // The current version, without more to say.
  [[nodiscard]] async::Task<Status> remove(std::string bucket, std::string key,
                                           Conditions conditions);
  [[nodiscard]] async::Task<Result<CopyResult>> copy(CopyRequest request);
  [[nodiscard]] async::Task<Result<ListPage>> list(ListRequest request);
  [[nodiscard]] async::Task<Result<ListVersionsPage>> list_versions(ListVersionsRequest request);

  // Versions are kept from now on, or not any more; never goes back to kNever.
  // kConflict/invalid_bucket_state: suspended under object lock.
  [[nodiscard]] async::Task<Status> set_versioning(std::string bucket, Versioning versioning);

  // Changes of one version in place: its bytes, id and time stay. Their answer is the version as
  // it is then.
  [[nodiscard]] async::Task<Result<ObjectInfo>> set_tags(VersionName name, Tags tags);
  [[nodiscard]] async::Task<Result<ObjectInfo>> set_acl(VersionName name, std::string acl);
  // Only the name is recorded: where the bytes are stays.
  [[nodiscard]] async::Task<Result<ObjectInfo>> set_storage_class(VersionName name,
                                                                  std::string storage_class);
  // kInvalidArgument/bucket_without_object_lock; kPermissionDenied/object_locked for a retention
  // that may not be shortened, removed or given another mode.
  [[nodiscard]] async::Task<Result<ObjectInfo>> set_retention(VersionName name,
                                                              std::optional<Retention> retention,
                                                              bool bypass_governance);
  [[nodiscard]] async::Task<Result<ObjectInfo>> set_legal_hold(VersionName name, bool hold);
  // Turns object lock on, for good, or changes the default retention. kConflict/
  // invalid_bucket_state where versions are not kept.
  [[nodiscard]] async::Task<Status> set_object_lock(std::string bucket,
                                                    LockConfiguration configuration);

  [[nodiscard]] async::Task<Result<UploadInfo>> create_upload(CreateUploadRequest request);
  [[nodiscard]] async::Task<Result<PartInfo>> upload_part(UploadPartRequest request,
                                                          async::ByteSource& body);
  // kInvalidArgument/invalid_copy_range for a range that is not inside the source.
  [[nodiscard]] async::Task<Result<CopyPartResult>> copy_part(CopyPartRequest request);
  // Errors of a read for what is no object.
  [[nodiscard]] async::Task<Result<ObjectPartsPage>> object_parts(ObjectPartsRequest request);
  [[nodiscard]] async::Task<Result<ListPartsPage>> list_parts(std::string bucket, std::string key,
                                                              std::string upload_id,
                                                              uint32_t after_number,
                                                              size_t parts_max);
  [[nodiscard]] async::Task<Result<ListUploadsPage>> list_uploads(ListUploadsRequest request);
  [[nodiscard]] async::Task<Result<ObjectInfo>> complete_upload(CompleteRequest request);
  [[nodiscard]] async::Task<Status> abort_upload(std::string bucket, std::string key,
                                                 std::string upload_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether AWS would take the name: 3 to 63 characters of a-z 0-9 . -, no address, no reserved
// affix.
[[nodiscard]] Status check_bucket_name(std::string_view name);
// 1 to kKeyBytesMax bytes of UTF-8 without NUL.
[[nodiscard]] Status check_key(std::string_view key);

}  // namespace strata::object
