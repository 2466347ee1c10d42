// What the files that implement ObjectStore share.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "common/async/key_mutex.h"
#include "objstore/object/buckets.h"
#include "objstore/object/object_store.h"
#include "objstore/object/record_format.h"

namespace strata::object {

// Order of locks: a key's, then (inside Buckets::commit) its bucket's gate. Neither is held while a
// body is read from a client.
struct ObjectStore::Impl {
  Impl(replica::Store& the_store, const io::Clock& the_clock, RandomSource& the_random)
      : store(the_store), clock(the_clock), buckets(the_store, the_clock), random_(the_random) {}

  replica::Store& store;
  const io::Clock& clock;
  Buckets buckets;
  // By placement: what changes a key or its uploads is done by one task at a time.
  async::KeyMutex keys;

  [[nodiscard]] uint64_t random_u64() {
    const std::lock_guard lock(random_mutex_);
    return random_.next_u64();
  }

  // The current version's record, or nothing.
  [[nodiscard]] async::Task<Result<std::optional<ObjectRecord>>> read_current(std::string bucket,
                                                                              std::string key);
  // The current version, if it is there and the conditions of a read hold. The request outlives the
  // task.
  [[nodiscard]] async::Task<Result<ObjectRecord>> read_version(const GetRequest& request);
  // The conditions of a write, against the current version as it is now. Without conditions
  // nothing is read.
  [[nodiscard]] async::Task<Status> check_conditions_early(std::string bucket, std::string key,
                                                           Conditions conditions);
  // Makes `record` the current version, if the conditions hold for the one before it, and drops
  // that one's blobs. Takes the key's lock. `writer`: the finished blob of the record, if any.
  [[nodiscard]] async::Task<Result<ObjectInfo>> replace_current(
      std::string bucket, std::string key, ObjectRecord record,
      std::unique_ptr<replica::BlobWriter> writer, Conditions conditions);

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

[[nodiscard]] Error no_such_key(std::string_view key);
[[nodiscard]] Error no_such_upload();

}  // namespace strata::object
