// put: one key, one commit.
#include "common/codec/text.h"
#include "objstore/object/body_intake.h"
#include "objstore/object/checksums.h"
#include "objstore/object/names.h"
#include "objstore/object/object_lock.h"
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
  CO_TRY(check_extras(request.extras));
  CO_TRY_ASSIGN(const BucketInfo bucket, co_await impl.buckets.find(request.bucket));
  // What already fails now would fail after gigabytes too.
  CO_TRY(check_lock_request(bucket, impl.clock.wall_now(), request.extras));
  CO_TRY(co_await impl.check_conditions_early(request.bucket, request.key, request.conditions));

  IntakePlan plan;
  plan.placement = rows::placement(request.bucket, request.key);
  plan.size_bytes = request.size_bytes;
  CO_TRY_ASSIGN(plan.sealing, object_sealing(impl.vault, request.encryption, request.bucket,
                                             request.key, request.extras.encryption));
  CO_TRY_ASSIGN(TakenBody taken, co_await take_body(impl.store, std::move(plan), body));
  std::vector<StoredChecksum> checksums;
  if (request.checksums) {
    CO_TRY_ASSIGN(checksums, request.checksums());
  }
  CO_TRY(check_checksums(checksums));
  ObjectRecord record = simple_object(taken, std::move(request.attributes), std::move(checksums));
  record.extras = std::move(request.extras);
  Result<ObjectInfo> done = co_await impl.add_version(
      std::move(request.bucket), std::move(request.key), std::move(record), std::move(taken.writer),
      std::move(request.conditions));
  co_return std::move(done);
}

}  // namespace strata::object
