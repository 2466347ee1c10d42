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
#include "objstore/object/types.h"
#include "objstore/replica/store.h"

namespace strata::object {

// What a body turned out to be, once all of it has been read and verified by its source. The caller
// fills it: the checksums that arrive in a trailer are known only then.
using ChecksumsAtEnd = std::function<Result<std::vector<StoredChecksum>>()>;

struct PutRequest {
  std::string bucket;
  std::string key;
  Attributes attributes;
  Conditions conditions;
  std::optional<uint64_t> size_bytes;  // if known: a body of another length is an error
  ChecksumsAtEnd checksums;            // may be empty: called once the body has ended
};

struct GetRequest {
  std::string bucket;
  std::string key;
  Conditions conditions;
  std::optional<ByteRange> range;
  std::optional<uint32_t> part_number;  // 1-based; excludes range
};

// An open version: its record and, for a GET, its bytes.
struct OpenObject {
  ObjectInfo info;
  uint64_t first = 0;  // the bytes [first, first + length) will be read
  uint64_t length = 0;
  bool partial = false;                     // a range or part was asked for: 206
  std::unique_ptr<async::ByteSource> body;  // null for head
};

struct CopyRequest {
  std::string source_bucket;
  std::string source_key;
  Conditions source_conditions;
  std::string bucket;
  std::string key;
  Conditions conditions;                 // on the destination
  std::optional<Attributes> attributes;  // replaces the source's; absent: the source's are copied
  std::optional<digest::ChecksumAlgorithm> checksum_algorithm;  // computed on the copied bytes
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
  std::optional<digest::ChecksumAlgorithm> checksum_algorithm;
  bool checksum_full_object = false;  // FULL_OBJECT, else COMPOSITE
};
struct UploadInfo {
  std::string key;
  std::string upload_id;
  WallTime started{};
  Attributes attributes;
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
};
struct PartInfo {
  uint32_t number = 0;
  uint64_t size_bytes = 0;
  std::string etag;
  WallTime modified{};
  std::vector<StoredChecksum> checksums;
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
  std::string name;
  std::string region;
  std::string owner;  // the account's number; empty: the account of the first start
  BucketSettings settings;
};

class ObjectStore {
 public:
  // The store, clock and random source outlive this.
  ObjectStore(replica::Store& store, const io::Clock& clock, RandomSource& random);
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
  // Deleting what is not there succeeds.
  [[nodiscard]] async::Task<Status> remove(std::string bucket, std::string key,
                                           Conditions conditions);
  [[nodiscard]] async::Task<Result<ObjectInfo>> copy(CopyRequest request);
  [[nodiscard]] async::Task<Result<ListPage>> list(ListRequest request);

  [[nodiscard]] async::Task<Result<UploadInfo>> create_upload(CreateUploadRequest request);
  [[nodiscard]] async::Task<Result<PartInfo>> upload_part(UploadPartRequest request,
                                                          async::ByteSource& body);
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
