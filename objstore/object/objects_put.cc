// put and remove: one key, one commit.
#include <fmt/format.h>

#include "common/codec/text.h"
#include "objstore/object/body_intake.h"
#include "objstore/object/checksums.h"
#include "objstore/object/conditions.h"
#include "objstore/object/names.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/simple_object.h"
#include "objstore/object/store_impl.h"

namespace strata::object {

ObjectRecord simple_object(const TakenBody& taken, Attributes attributes,
                           std::vector<StoredChecksum> checksums) {
  ObjectRecord record;
  record.size_bytes = taken.size_bytes;
  record.etag = codec::to_hex(std::string_view(taken.md5));
  record.attributes = std::move(attributes);
  record.checksums = std::move(checksums);
  if (taken.blob) {
    Segment segment;
    segment.size_bytes = taken.size_bytes;
    segment.blob = taken.blob;
    record.segments.push_back(std::move(segment));
  }
  return record;
}

async::Task<Result<ObjectInfo>> ObjectStore::put(PutRequest request, async::ByteSource& body) {
  Impl& impl = *impl_;
  CO_TRY(check_names(request.bucket, request.key));
  CO_TRY(check_attributes(request.attributes));
  CO_TRY(co_await impl.buckets.find(request.bucket));
  // What already fails now would fail after gigabytes too.
  CO_TRY(co_await impl.check_conditions_early(request.bucket, request.key, request.conditions));

  IntakePlan plan;
  plan.placement = rows::placement(request.bucket, request.key);
  plan.size_bytes = request.size_bytes;
  CO_TRY_ASSIGN(TakenBody taken, co_await take_body(impl.store, std::move(plan), body));
  std::vector<StoredChecksum> checksums;
  if (request.checksums) {
    CO_TRY_ASSIGN(checksums, request.checksums());
  }
  CO_TRY(check_checksums(checksums));
  ObjectRecord record = simple_object(taken, std::move(request.attributes), std::move(checksums));
  Result<ObjectInfo> done = co_await impl.replace_current(
      std::move(request.bucket), std::move(request.key), std::move(record), std::move(taken.writer),
      std::move(request.conditions));
  co_return std::move(done);
}

async::Task<Status> ObjectStore::remove(std::string bucket, std::string key,
                                        Conditions conditions) {
  Impl& impl = *impl_;
  CO_TRY(check_names(bucket, key));
  CO_TRY(co_await impl.buckets.find(bucket));
  replica::Mutation mutation;
  mutation.placement = rows::placement(bucket, key);
  const async::KeyMutex::Guard guard = co_await impl.keys.lock(mutation.placement);
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> current, co_await impl.read_current(bucket, key));
  std::optional<Validators> validators;
  if (current) validators = Validators{current->etag, current->modified};
  CO_TRY(check_write_conditions(conditions, validators));
  if (!current) co_return Status();
  mutation.deletes.push_back(rows::object(bucket, key));
  mutation.drops = current->blobs();
  CO_TRY(co_await impl.buckets.commit(std::move(bucket), std::move(mutation)));
  co_return Status();
}

}  // namespace strata::object
