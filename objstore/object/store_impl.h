// What the files that implement ObjectStore share.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "common/async/key_mutex.h"
#include "objstore/encryption/vault.h"
#include "objstore/object/buckets.h"
#include "objstore/object/object_store.h"
#include "objstore/object/record_format.h"

namespace strata::object {

// Order of locks: a key's, then (inside Buckets::commit) its bucket's gate. Neither is held while a
// body is read from a client.
struct ObjectStore::Impl {
  Impl(replica::Store& the_store, const io::Clock& the_clock, RandomSource& the_random,
       const encryption::KeyRing* keys_or_null)
      : store(the_store),
        clock(the_clock),
        buckets(the_store, the_clock),
        vault(keys_or_null, the_random),
        random_(the_random) {}

  replica::Store& store;
  const io::Clock& clock;
  Buckets buckets;
  encryption::Vault vault;
  // By placement: what changes a key or its uploads is done by one task at a time.
  async::KeyMutex keys;

  [[nodiscard]] uint64_t random_u64() {
    const std::lock_guard lock(random_mutex_);
    return random_.next_u64();
  }

  // What stands in the place of the current version: a record, that of a delete marker too, or
  // nothing.
  [[nodiscard]] async::Task<Result<std::optional<ObjectRecord>>> read_current(std::string bucket,
                                                                              std::string key);
  // The named one among the versions of a key whose current one is `current`. Absent: it is not
  // there. kInvalidArgument/invalid_version_id for what cannot be an id. The record outlives the
  // task.
  [[nodiscard]] async::Task<Result<std::optional<ObjectRecord>>> find_version(
      std::string bucket, std::string key, std::string version_id,
      const std::optional<ObjectRecord>& current);
  // The version that a read or a change in place means, a delete marker too. The names outlive the
  // task.
  [[nodiscard]] async::Task<Result<ObjectRecord>> named_version(
      const std::string& bucket, const std::string& key,
      const std::optional<std::string>& version_id);
  // The same, if it is an object and the conditions of a read hold. The request outlives the task.
  [[nodiscard]] async::Task<Result<ObjectRecord>> read_version(const GetRequest& request);
  // The conditions of a write, against the current version as it is now. Without conditions
  // nothing is read.
  [[nodiscard]] async::Task<Status> check_conditions_early(std::string bucket, std::string key,
                                                           Conditions conditions);
  // Makes the record the current version, if the conditions hold for the one before it. Takes the
  // key's lock. `writer`: the finished blob of the record, if any.
  [[nodiscard]] async::Task<Result<ObjectInfo>> add_version(
      std::string bucket, std::string key, ObjectRecord record,
      std::unique_ptr<replica::BlobWriter> writer, Conditions conditions);
  // Gives the record its stamp, time and id, and puts into the mutation what makes it the current
  // version and what becomes of the one before: kept as an old version, or removed. The caller has
  // the key's lock and a visit of the bucket; what is passed outlives the task.
  [[nodiscard]] async::Task<Status> make_current(const BucketInfo& bucket, const std::string& key,
                                                 const std::optional<ObjectRecord>& current,
                                                 ObjectRecord& record, replica::Mutation& mutation);

  // One version goes for good. What is passed by reference outlives the task.
  [[nodiscard]] async::Task<Result<Removal>> remove_version(
      const Buckets::Visit& visit, const RemoveRequest& request,
      const std::optional<ObjectRecord>& current, replica::Mutation mutation);

  using RecordChange = std::function<Status(const BucketInfo& bucket, ObjectRecord& record)>;
  // Writes a version anew, in its place, with what `change` makes of its record.
  [[nodiscard]] async::Task<Result<ObjectInfo>> change_version(VersionName name,
                                                               RecordChange change);
  // Where versions of the key marker go on; absent: with the next key. The request outlives the
  // task.
  [[nodiscard]] async::Task<Result<std::optional<replica::Sequence>>> stamp_of_marker(
      const ListVersionsRequest& request);

  // Deletions that make an older version current: between the start and the end of one, two scans
  // may miss that version.
  std::atomic<uint64_t> promotions_started{0};
  std::atomic<uint64_t> promotions_ended{0};

  struct PartTarget {
    std::string bucket;
    std::string key;
    std::string upload_id;
    uint32_t number = 0;
  };
  // Puts a part in the place of the one before. Takes the key's lock. `writer`: as in add_version.
  [[nodiscard]] async::Task<Result<PartInfo>> store_part(
      PartTarget target, PartRecord record, std::unique_ptr<replica::BlobWriter> writer);
  // kNotFound/no_such_upload for what is no upload's name or is not there any more.
  [[nodiscard]] async::Task<Result<UploadRecord>> read_upload(std::string bucket, std::string key,
                                                              std::string upload_id);
  // Rows of an upload's parts with numbers above `after_number`, ascending.
  [[nodiscard]] async::Task<Result<std::vector<replica::Row>>> read_part_rows(
      std::string bucket, std::string key, UploadId id, uint32_t after_number, size_t rows_max);

 private:
  RandomSource& random_;  // guarded by random_mutex_
  std::mutex random_mutex_;
};

// The conditions of a write that replaces `current`. If-Match where there is nothing to match is
// kNotFound/no_such_key, as S3 has it; the rest is kPreconditionFailed.
[[nodiscard]] Status check_replacement(const Conditions& conditions,
                                       const std::optional<ObjectRecord>& current,
                                       std::string_view key);

// A current delete marker is nothing there.
[[nodiscard]] bool is_object(const std::optional<ObjectRecord>& record) noexcept;
[[nodiscard]] Error no_such_key(std::string_view key);
[[nodiscard]] Error no_such_version(std::string_view key);
[[nodiscard]] Error invalid_version_id();
[[nodiscard]] Error no_such_upload();

}  // namespace strata::object
