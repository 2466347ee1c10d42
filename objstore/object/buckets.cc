#include "objstore/object/buckets.h"

#include <fmt/format.h>

#include "objstore/object/bucket_record.h"
#include "objstore/object/names.h"
#include "objstore/object/row_keys.h"

namespace strata::object {

namespace {

BucketInfo info_of(std::string name, BucketRecord record) {
  return {std::move(name), record.created, std::move(record.region), std::move(record.owner),
          std::make_shared<const BucketSettings>(std::move(record.settings))};
}

BucketRecord record_of(const BucketInfo& info) {
  return {info.created, info.region, info.owner, *info.settings};
}

}  // namespace

static_assert(kBucketsMax <= replica::kScanRowsMax, "one scan sees every bucket");

Error no_such_bucket(std::string_view name) {
  return Error(Code::kNotFound, reason::kNoSuchBucket,
               fmt::format("there is no bucket {}: create it first", name));
}

std::optional<BucketInfo> Buckets::known(const std::string& name) const {
  const std::shared_lock lock(known_mutex_);
  const auto found = known_.find(name);
  if (found == known_.end()) return std::nullopt;
  return found->second;
}

void Buckets::remember(const BucketInfo& info) {
  const std::lock_guard lock(known_mutex_);
  known_.insert_or_assign(info.name, info);
}

void Buckets::forget(const std::string& name) {
  const std::lock_guard lock(known_mutex_);
  known_.erase(name);
}

async::Task<Result<BucketInfo>> Buckets::find_inside(std::string name) {
  if (std::optional<BucketInfo> info = known(name)) co_return std::move(*info);
  std::string row_key = rows::bucket(name);
  CO_TRY_ASSIGN(std::optional<replica::Row> row, co_await store_.get(name, std::move(row_key)));
  if (!row) co_return no_such_bucket(name);
  CO_TRY_ASSIGN(BucketRecord record, decode_bucket(row->value));
  BucketInfo info = info_of(std::move(name), std::move(record));
  remember(info);
  co_return std::move(info);
}

async::Task<Result<BucketInfo>> Buckets::find(std::string name) {
  CO_TRY(check_bucket_name(name));
  if (std::optional<BucketInfo> info = known(name)) co_return std::move(*info);
  const SharedGate::Pass pass = co_await gate_.of(name).share();
  Result<BucketInfo> found = co_await find_inside(std::move(name));
  co_return std::move(found);
}

async::Task<Result<Buckets::Visit>> Buckets::visit(std::string bucket) {
  Visit visit;
  visit.pass = co_await gate_.of(bucket).share();
  CO_TRY_ASSIGN(visit.info, co_await find_inside(std::move(bucket)));
  co_return std::move(visit);
}

async::Task<Status> Buckets::commit(const Visit&, replica::Mutation mutation) {
  CO_TRY(co_await store_.commit(std::move(mutation)));
  co_return Status();
}

async::Task<Status> Buckets::commit(std::string bucket, replica::Mutation mutation) {
  const SharedGate::Pass pass = co_await gate_.of(bucket).share();
  CO_TRY(co_await find_inside(std::move(bucket)));
  CO_TRY(co_await store_.commit(std::move(mutation)));
  co_return Status();
}

async::Task<Result<size_t>> Buckets::count() {
  if (count_) co_return *count_;
  replica::ScanRequest request;
  request.from = rows::buckets_head();
  request.to = rows::prefix_end(request.from);
  request.rows_max = replica::kScanRowsMax;
  CO_TRY_ASSIGN(std::vector<replica::Row> found, co_await store_.scan(std::move(request)));
  count_ = found.size();
  co_return *count_;
}

async::Task<Status> Buckets::create(CreateBucketRequest request) {
  const std::string name = request.name;
  CO_TRY(check_bucket_name(name));
  if (request.region.size() > kRegionBytesMax || request.owner.size() > kAccountBytesMax) {
    co_return Error(Code::kInvalidArgument,
                    fmt::format("a region's name has at most {} bytes, an account's number {}",
                                kRegionBytesMax, kAccountBytesMax));
  }
  const SharedGate::Pass administration = co_await administration_.alone();
  const SharedGate::Pass pass = co_await gate_.of(name).alone();
  Result<BucketInfo> existing = co_await find_inside(name);
  if (existing.ok()) {
    if (existing->owner != request.owner) {
      co_return Error(Code::kAlreadyExists, reason::kBucketOfAnother,
                      fmt::format("the name {} is taken by another account", name));
    }
    co_return Error(Code::kAlreadyExists, reason::kBucketExists,
                    fmt::format("the bucket {} exists already and is yours", name));
  }
  if (existing.error().code != Code::kNotFound) co_return std::move(existing).error();
  CO_TRY_ASSIGN(const size_t buckets, co_await count());
  if (buckets >= kBucketsMax) {
    co_return Error(Code::kTooLarge, reason::kTooManyBuckets,
                    fmt::format("there are {} buckets already: delete one first", buckets));
  }
  BucketInfo info =
      info_of(name, BucketRecord{clock_.wall_now(), std::move(request.region),
                                 std::move(request.owner), std::move(request.settings)});
  replica::Mutation mutation;
  mutation.placement = name;
  mutation.puts.push_back({rows::bucket(name), encode(record_of(info))});
  count_.reset();  // a commit that fails may still have happened: count again
  CO_TRY(co_await store_.commit(std::move(mutation)));
  count_ = buckets + 1;
  remember(info);
  co_return Status();
}

async::Task<Result<bool>> Buckets::has_rows(std::string head) {
  replica::ScanRequest request;
  request.to = rows::prefix_end(head);
  request.from = std::move(head);
  request.rows_max = 1;
  CO_TRY_ASSIGN(std::vector<replica::Row> found, co_await store_.scan(std::move(request)));
  co_return !found.empty();
}

async::Task<Status> Buckets::remove(std::string name) {
  CO_TRY(check_bucket_name(name));
  const SharedGate::Pass administration = co_await administration_.alone();
  const SharedGate::Pass pass = co_await gate_.of(name).alone();
  CO_TRY(co_await find_inside(name));
  std::string objects = rows::objects_head(name);
  CO_TRY_ASSIGN(const bool has_objects, co_await has_rows(std::move(objects)));
  std::string versions = rows::versions_head(name);
  CO_TRY_ASSIGN(const bool has_versions, co_await has_rows(std::move(versions)));
  std::string uploads = rows::uploads_head(name);
  CO_TRY_ASSIGN(const bool has_uploads, co_await has_rows(std::move(uploads)));
  if (has_objects || has_versions || has_uploads) {
    const bool in_use = has_objects || has_versions;
    co_return Error(Code::kConflict, reason::kBucketNotEmpty,
                    fmt::format("the bucket {} still holds {}: delete them first", name,
                                in_use ? "objects, versions of objects or delete markers"
                                       : "unfinished uploads"));
  }
  replica::Mutation mutation;
  mutation.placement = name;
  mutation.deletes.push_back(rows::bucket(name));
  const std::optional<size_t> before = count_;
  count_.reset();
  forget(name);
  CO_TRY(co_await store_.commit(std::move(mutation)));
  if (before) count_ = *before - 1;
  co_return Status();
}

async::Task<Status> Buckets::set(std::string name, BucketSetting kind,
                                 std::optional<std::string> document, BucketCheck check) {
  CO_TRY(check_bucket_name(name));
  if (document && document->size() > kBucketSettingBytesMax) {
    co_return Error(Code::kTooLarge,
                    fmt::format("a bucket's {} document has at most {} bytes",
                                bucket_setting_name(kind), kBucketSettingBytesMax));
  }
  const SharedGate::Pass pass = co_await gate_.of(name).alone();
  CO_TRY_ASSIGN(BucketInfo info, co_await find_inside(name));
  if (check) CO_TRY(check(info));
  auto settings = std::make_shared<BucketSettings>(*info.settings);
  settings->set(kind, std::move(document));
  info.settings = std::move(settings);
  replica::Mutation mutation;
  mutation.placement = name;
  mutation.puts.push_back({rows::bucket(name), encode(record_of(info))});
  // A commit that fails may still have happened: what is on the drives decides.
  forget(name);
  CO_TRY(co_await store_.commit(std::move(mutation)));
  remember(info);
  co_return Status();
}

async::Task<Result<std::vector<BucketInfo>>> Buckets::list() {
  replica::ScanRequest request;
  request.from = rows::buckets_head();
  request.to = rows::prefix_end(request.from);
  request.rows_max = replica::kScanRowsMax;
  CO_TRY_ASSIGN(std::vector<replica::Row> found, co_await store_.scan(std::move(request)));
  std::vector<BucketInfo> buckets;
  buckets.reserve(found.size());
  for (replica::Row& row : found) {
    CO_TRY_ASSIGN(BucketRecord record, decode_bucket(row.value));
    buckets.push_back(info_of(row.key.substr(rows::buckets_head().size()), std::move(record)));
  }
  co_return std::move(buckets);
}

}  // namespace strata::object
