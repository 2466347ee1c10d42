// remove: an object goes, or is hidden behind a delete marker; a version goes for good.
#include <fmt/format.h>

#include "objstore/object/conditions.h"
#include "objstore/object/names.h"
#include "objstore/object/object_lock.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"
#include "objstore/object/version_id.h"

namespace strata::object {
namespace {

// Counts a deletion that makes an older version current, from before its commit until after.
class Promotion {
 public:
  Promotion(std::atomic<uint64_t>& started, std::atomic<uint64_t>& ended) : ended_(ended) {
    started.fetch_add(1);
  }
  Promotion(const Promotion&) = delete;
  Promotion& operator=(const Promotion&) = delete;
  ~Promotion() { ended_.fetch_add(1); }

 private:
  std::atomic<uint64_t>& ended_;
};

Status check_removal_conditions(const Conditions& conditions,
                                const std::optional<ObjectRecord>& target) {
  std::optional<Validators> validators;
  if (is_object(target)) {
    validators = Validators{target->etag, target->modified, target->size_bytes};
  }
  return check_write_conditions(conditions, validators);
}

Removal removal_of(const ObjectRecord& record) {
  return {record.version_id, record.marks.delete_marker};
}

// What it takes to end the current version: the newest of the others takes its place. Those rows
// outlive the call.
Status end_current(const RemoveRequest& request, const ObjectRecord& current,
                   const std::vector<replica::Row>& next, replica::Mutation& mutation) {
  const std::string row = rows::object(request.bucket, request.key);
  if (next.empty()) {
    mutation.deletes.push_back(row);
    return {};
  }
  TRY_ASSIGN(ObjectRecord promoted, decode_object(next.front().value));
  if (promoted.version_id != kNullVersion) promoted.marks.null_stamp = current.marks.null_stamp;
  mutation.puts.push_back({row, encode(promoted)});
  mutation.deletes.push_back(next.front().key);
  return {};
}

// What it takes to end a version that is not current.
void end_older(const RemoveRequest& request, const std::optional<ObjectRecord>& current,
               const ObjectRecord& older, replica::Mutation& mutation) {
  mutation.deletes.push_back(rows::version(request.bucket, request.key, older.stamp));
  if (older.version_id != kNullVersion || !current) return;
  ObjectRecord without = *current;
  without.marks.null_stamp.reset();
  mutation.puts.push_back({rows::object(request.bucket, request.key), encode(without)});
}

}  // namespace

// One version goes for good.
async::Task<Result<Removal>> ObjectStore::Impl::remove_version(
    const Buckets::Visit& visit, const RemoveRequest& request,
    const std::optional<ObjectRecord>& current, replica::Mutation mutation) {
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> target,
                co_await find_version(request.bucket, request.key, *request.version_id, current));
  CO_TRY(check_removal_conditions(request.conditions, target));
  if (!target) co_return Removal{*request.version_id, false};
  CO_TRY(check_removable(*target, clock.wall_now(), request.bypass_governance));
  mutation.drops = target->blobs();
  if (target->version_id != current->version_id) {
    end_older(request, current, *target, mutation);
    CO_TRY(co_await buckets.commit(visit, std::move(mutation)));
    co_return removal_of(*target);
  }
  std::vector<replica::Row> next;
  if (versioning_of(visit.info) != Versioning::kNever) {
    replica::ScanRequest scan;
    scan.from = rows::versions_head(request.bucket, request.key);
    scan.to = rows::prefix_end(scan.from);
    scan.rows_max = 1;
    scan.placement = mutation.placement;
    CO_TRY_ASSIGN(next, co_await store.scan(std::move(scan)));
  }
  CO_TRY(end_current(request, *current, next, mutation));
  const Promotion promotion(promotions_started, promotions_ended);
  CO_TRY(co_await buckets.commit(visit, std::move(mutation)));
  co_return removal_of(*target);
}

async::Task<Result<Removal>> ObjectStore::remove(RemoveRequest request) {
  Impl& impl = *impl_;
  CO_TRY(check_names(request.bucket, request.key));
  replica::Mutation mutation;
  mutation.placement = rows::placement(request.bucket, request.key);
  const async::KeyMutex::Guard guard = co_await impl.keys.lock(mutation.placement);
  CO_TRY_ASSIGN(const Buckets::Visit visit, co_await impl.buckets.visit(request.bucket));
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> current,
                co_await impl.read_current(request.bucket, request.key));
  if (request.version_id) {
    Result<Removal> removed =
        co_await impl.remove_version(visit, request, current, std::move(mutation));
    co_return std::move(removed);
  }
  CO_TRY(check_removal_conditions(request.conditions, current));
  if (versioning_of(visit.info) == Versioning::kNever) {
    if (!current) co_return Removal{};
    CO_TRY(check_removable(*current, impl.clock.wall_now(), request.bypass_governance));
    mutation.deletes.push_back(rows::object(request.bucket, request.key));
    mutation.drops = current->blobs();
    CO_TRY(co_await impl.buckets.commit(visit, std::move(mutation)));
    co_return Removal{};
  }
  ObjectRecord marker;
  marker.marks.delete_marker = true;
  marker.extras.owner = std::move(request.owner);
  CO_TRY(co_await impl.make_current(visit.info, request.key, current, marker, mutation));
  CO_TRY(co_await impl.buckets.commit(visit, std::move(mutation)));
  co_return removal_of(marker);
}

async::Task<Status> ObjectStore::remove(std::string bucket, std::string key,
                                        Conditions conditions) {
  RemoveRequest request;
  request.bucket = std::move(bucket);
  request.key = std::move(key);
  request.conditions = std::move(conditions);
  CO_TRY(co_await remove(std::move(request)));
  co_return Status();
}

}  // namespace strata::object
