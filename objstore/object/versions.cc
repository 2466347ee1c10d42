// The versions of a key: finding one, and making another the current one.
#include <fmt/format.h>

#include "objstore/object/conditions.h"
#include "objstore/object/names.h"
#include "objstore/object/object_lock.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"
#include "objstore/object/version_id.h"

namespace strata::object {

bool is_object(const std::optional<ObjectRecord>& record) noexcept {
  return record && !record->marks.delete_marker;
}

Status check_replacement(const Conditions& conditions, const std::optional<ObjectRecord>& current,
                         std::string_view key) {
  if (!is_object(current)) {
    if (conditions.if_match) return no_such_key(key);
    return check_write_conditions(conditions, std::nullopt);
  }
  return check_write_conditions(conditions,
                                Validators{current->etag, current->modified, current->size_bytes});
}

Error no_such_key(std::string_view key) {
  return Error(Code::kNotFound, reason::kNoSuchKey, fmt::format("there is no object {}", key));
}

Error no_such_version(std::string_view key) {
  return Error(Code::kNotFound, reason::kNoSuchVersion,
               fmt::format("there is no such version of {}", key));
}

Error invalid_version_id() {
  return Error(Code::kInvalidArgument, reason::kInvalidVersionId, "Invalid version id specified");
}

async::Task<Result<std::optional<ObjectRecord>>> ObjectStore::Impl::read_current(std::string bucket,
                                                                                 std::string key) {
  std::string row_key = rows::object(bucket, key);
  std::string placement = rows::placement(bucket, key);
  CO_TRY_ASSIGN(std::optional<replica::Row> row,
                co_await store.get(std::move(placement), std::move(row_key)));
  if (!row) co_return std::optional<ObjectRecord>();
  CO_TRY_ASSIGN(ObjectRecord record, decode_object(row->value));
  co_return std::optional<ObjectRecord>(std::move(record));
}

async::Task<Result<std::optional<ObjectRecord>>> ObjectStore::Impl::find_version(
    std::string bucket, std::string key, std::string version_id,
    const std::optional<ObjectRecord>& current) {
  const bool null_version = version_id == kNullVersion;
  std::optional<replica::Sequence> stamp;
  if (!null_version) {
    stamp = stamp_of_version_id(version_id);
    if (!stamp) co_return invalid_version_id();
  }
  if (!current) co_return std::optional<ObjectRecord>();
  if (current->version_id == version_id) co_return current;
  if (null_version) stamp = current->marks.null_stamp;
  if (!stamp) co_return std::optional<ObjectRecord>();
  std::string row_key = rows::version(bucket, key, *stamp);
  std::string placement = rows::placement(bucket, key);
  CO_TRY_ASSIGN(std::optional<replica::Row> row,
                co_await store.get(std::move(placement), std::move(row_key)));
  if (!row) co_return std::optional<ObjectRecord>();
  CO_TRY_ASSIGN(ObjectRecord record, decode_object(row->value));
  // Another's random bytes may happen to hide the same stamp.
  if (record.version_id != version_id) co_return std::optional<ObjectRecord>();
  co_return std::optional<ObjectRecord>(std::move(record));
}

async::Task<Result<ObjectRecord>> ObjectStore::Impl::named_version(
    const std::string& bucket, const std::string& key,
    const std::optional<std::string>& version_id) {
  CO_TRY(check_names(bucket, key));
  CO_TRY_ASSIGN(std::optional<ObjectRecord> found, co_await read_current(bucket, key));
  // The current version may be replaced, and so change its row, while another one is looked for.
  for (int attempt = 0; version_id && attempt < 2; ++attempt) {
    CO_TRY_ASSIGN(std::optional<ObjectRecord> version,
                  co_await find_version(bucket, key, *version_id, found));
    if (version) co_return std::move(*version);
    CO_TRY_ASSIGN(found, co_await read_current(bucket, key));
  }
  if (found && !version_id) co_return std::move(*found);
  // Asked only now: where there is an object there is a bucket.
  CO_TRY(co_await buckets.find(bucket));
  co_return version_id ? no_such_version(key) : no_such_key(key);
}

async::Task<Status> ObjectStore::Impl::check_conditions_early(std::string bucket, std::string key,
                                                              Conditions conditions) {
  if (conditions.empty()) co_return Status();
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> current,
                co_await read_current(std::move(bucket), key));
  co_return check_replacement(conditions, current, key);
}

async::Task<Status> ObjectStore::Impl::make_current(const BucketInfo& bucket,
                                                    const std::string& key,
                                                    const std::optional<ObjectRecord>& current,
                                                    ObjectRecord& record,
                                                    replica::Mutation& mutation) {
  const Versioning versioning = versioning_of(bucket);
  record.stamp = store.next_stamp();
  record.modified = clock.wall_now();
  record.version_id = versioning == Versioning::kEnabled
                          ? make_version_id(record.stamp, random_u64(), random_u64())
                          : std::string(kNullVersion);
  record.marks.null_stamp.reset();
  if (current) {
    const bool current_is_null = current->version_id == kNullVersion;
    const bool keep = versioning == Versioning::kEnabled || !current_is_null;
    if (keep) {
      ObjectRecord kept = *current;
      kept.marks.null_stamp.reset();
      mutation.puts.push_back({rows::version(bucket.name, key, kept.stamp), encode(kept)});
      record.marks.null_stamp = current_is_null ? current->stamp : current->marks.null_stamp;
    } else {
      CO_TRY(check_removable(*current, record.modified, false));
      for (const replica::BlobRef& blob : current->blobs()) mutation.drops.push_back(blob);
    }
    if (versioning != Versioning::kEnabled && record.marks.null_stamp) {
      // There is one version "null": this one replaces the older.
      CO_TRY_ASSIGN(const std::optional<ObjectRecord> older,
                    co_await find_version(bucket.name, key, std::string(kNullVersion), current));
      if (!older) co_return Error(Code::kCorrupt, "the version \"null\" is not where it should be");
      CO_TRY(check_removable(*older, record.modified, false));
      for (const replica::BlobRef& blob : older->blobs()) mutation.drops.push_back(blob);
      mutation.deletes.push_back(rows::version(bucket.name, key, older->stamp));
      record.marks.null_stamp.reset();
    }
  }
  mutation.puts.push_back({rows::object(bucket.name, key), encode(record)});
  co_return Status();
}

async::Task<Result<ObjectInfo>> ObjectStore::Impl::add_version(
    std::string bucket, std::string key, ObjectRecord record,
    std::unique_ptr<replica::BlobWriter> writer, Conditions conditions) {
  replica::Mutation mutation;
  mutation.placement = rows::placement(bucket, key);
  const async::KeyMutex::Guard guard = co_await keys.lock(mutation.placement);
  CO_TRY_ASSIGN(const Buckets::Visit visit, co_await buckets.visit(bucket));
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> current, co_await read_current(bucket, key));
  CO_TRY(check_replacement(conditions, current, key));
  CO_TRY(apply_lock(visit.info, clock.wall_now(), record.extras));
  CO_TRY(co_await make_current(visit.info, key, current, record, mutation));
  if (writer) mutation.adopts.push_back(std::move(writer));
  CO_TRY(co_await buckets.commit(visit, std::move(mutation)));
  co_return record.take_info(std::move(key));
}

}  // namespace strata::object
