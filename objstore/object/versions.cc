// The current version of a key: reading its record, replacing it.
#include <fmt/format.h>

#include "objstore/object/conditions.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {
Status check_replacement(const Conditions& conditions, const std::optional<ObjectRecord>& current,
                         std::string_view key) {
  if (!current) {
    if (conditions.if_match) return no_such_key(key);
    return check_write_conditions(conditions, std::nullopt);
  }
  return check_write_conditions(conditions, Validators{current->etag, current->modified});
}

Error no_such_key(std::string_view key) {
  return Error(Code::kNotFound, reason::kNoSuchKey, fmt::format("there is no object {}", key));
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

async::Task<Status> ObjectStore::Impl::check_conditions_early(std::string bucket, std::string key,
                                                              Conditions conditions) {
  if (conditions.empty()) co_return Status();
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> current,
                co_await read_current(std::move(bucket), key));
  co_return check_replacement(conditions, current, key);
}

async::Task<Result<ObjectInfo>> ObjectStore::Impl::replace_current(
    std::string bucket, std::string key, ObjectRecord record,
    std::unique_ptr<replica::BlobWriter> writer, Conditions conditions) {
  replica::Mutation mutation;
  mutation.placement = rows::placement(bucket, key);
  const async::KeyMutex::Guard guard = co_await keys.lock(mutation.placement);
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> current, co_await read_current(bucket, key));
  CO_TRY(check_replacement(conditions, current, key));
  if (current) mutation.drops = current->blobs();
  if (writer) mutation.adopts.push_back(std::move(writer));
  record.stamp = store.next_stamp();
  record.modified = clock.wall_now();
  mutation.puts.push_back({rows::object(bucket, key), encode(record)});
  CO_TRY(co_await buckets.commit(std::move(bucket), std::move(mutation)));
  co_return record.take_info(std::move(key));
}

}  // namespace strata::object
