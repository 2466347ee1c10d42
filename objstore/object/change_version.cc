// Changes of a version in place: tags, access control list, retention, legal hold. And what of a
// bucket decides over its versions.
#include <fmt/format.h>

#include "objstore/object/names.h"
#include "objstore/object/object_lock.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"
#include "objstore/object/tags.h"
#include "objstore/object/version_id.h"

namespace strata::object {
namespace {

Error marker_named() {
  return {Code::kInvalidArgument, reason::kIsDeleteMarker,
          "The specified method is not allowed against this resource."};
}

Status require_lock(const BucketInfo& bucket) {
  if (bucket.settings->find(BucketSetting::kObjectLock) != nullptr) return {};
  return Error(Code::kInvalidArgument, reason::kBucketNotLockable,
               "Bucket is missing Object Lock Configuration");
}

}  // namespace

async::Task<Result<ObjectInfo>> ObjectStore::Impl::change_version(VersionName name,
                                                                  RecordChange change) {
  CO_TRY(check_names(name.bucket, name.key));
  replica::Mutation mutation;
  mutation.placement = rows::placement(name.bucket, name.key);
  const async::KeyMutex::Guard guard = co_await keys.lock(mutation.placement);
  CO_TRY_ASSIGN(const Buckets::Visit visit, co_await buckets.visit(name.bucket));
  CO_TRY_ASSIGN(std::optional<ObjectRecord> current, co_await read_current(name.bucket, name.key));
  std::optional<ObjectRecord> target = current;
  if (name.version_id) {
    CO_TRY_ASSIGN(target, co_await find_version(name.bucket, name.key, *name.version_id, current));
    if (!target) co_return no_such_version(name.key);
    if (target->marks.delete_marker) co_return marker_named();
  }
  if (!is_object(target)) co_return no_such_key(name.key);
  CO_TRY(change(visit.info, *target));
  const bool is_current = target->version_id == current->version_id;
  mutation.puts.push_back({is_current ? rows::object(name.bucket, name.key)
                                      : rows::version(name.bucket, name.key, target->stamp),
                           encode(*target)});
  CO_TRY(co_await buckets.commit(visit, std::move(mutation)));
  co_return target->take_info(std::move(name.key));
}

async::Task<Result<ObjectInfo>> ObjectStore::set_tags(VersionName name, Tags tags) {
  CO_TRY(check_tags(tags, kObjectTagsMax));
  Impl::RecordChange change = [&tags](const BucketInfo&, ObjectRecord& record) -> Status {
    record.extras.tags = std::move(tags);
    return {};
  };
  Result<ObjectInfo> done = co_await impl_->change_version(std::move(name), std::move(change));
  co_return std::move(done);
}

async::Task<Result<ObjectInfo>> ObjectStore::set_acl(VersionName name, std::string acl) {
  if (acl.size() > kAclBytesMax) {
    co_return Error(Code::kTooLarge,
                    fmt::format("an access control list has at most {} bytes", kAclBytesMax));
  }
  Impl::RecordChange change = [&acl](const BucketInfo&, ObjectRecord& record) -> Status {
    record.extras.acl = std::move(acl);
    return {};
  };
  Result<ObjectInfo> done = co_await impl_->change_version(std::move(name), std::move(change));
  co_return std::move(done);
}

async::Task<Result<ObjectInfo>> ObjectStore::set_storage_class(VersionName name,
                                                               std::string storage_class) {
  Impl::RecordChange change = [&storage_class](const BucketInfo&, ObjectRecord& record) -> Status {
    record.attributes.storage_class = std::move(storage_class);
    return check_attributes(record.attributes);
  };
  Result<ObjectInfo> done = co_await impl_->change_version(std::move(name), std::move(change));
  co_return std::move(done);
}

async::Task<Result<ObjectInfo>> ObjectStore::set_retention(VersionName name,
                                                           std::optional<Retention> retention,
                                                           bool bypass_governance) {
  const WallTime now = impl_->clock.wall_now();
  Impl::RecordChange change = [&retention, now, bypass_governance](const BucketInfo& bucket,
                                                                   ObjectRecord& record) -> Status {
    TRY(require_lock(bucket));
    TRY(check_retention_change(record.extras.retention, retention, now, bypass_governance));
    record.extras.retention = retention;
    return {};
  };
  Result<ObjectInfo> done = co_await impl_->change_version(std::move(name), std::move(change));
  co_return std::move(done);
}

async::Task<Result<ObjectInfo>> ObjectStore::set_legal_hold(VersionName name, bool hold) {
  Impl::RecordChange change = [hold](const BucketInfo& bucket, ObjectRecord& record) -> Status {
    TRY(require_lock(bucket));
    record.extras.legal_hold = hold;
    return {};
  };
  Result<ObjectInfo> done = co_await impl_->change_version(std::move(name), std::move(change));
  co_return std::move(done);
}

async::Task<Result<ObjectInfo>> ObjectStore::describe(VersionName name) {
  CO_TRY_ASSIGN(ObjectRecord record,
                co_await impl_->named_version(name.bucket, name.key, name.version_id));
  co_return record.take_info(std::move(name.key));
}

async::Task<Status> ObjectStore::set_versioning(std::string bucket, Versioning versioning) {
  BucketCheck check = [versioning](const BucketInfo& info) -> Status {
    if (versioning == Versioning::kEnabled) return {};
    if (info.settings->find(BucketSetting::kObjectLock) == nullptr) return {};
    return Error(Code::kConflict, reason::kInvalidBucketState,
                 "An Object Lock configuration is present on this bucket, so the versioning state "
                 "cannot be changed.");
  };
  return impl_->buckets.set(std::move(bucket), BucketSetting::kVersioning,
                            std::string(versioning_document(versioning)), std::move(check));
}

async::Task<Status> ObjectStore::set_object_lock(std::string bucket,
                                                 LockConfiguration configuration) {
  std::string document = lock_document(configuration);
  BucketCheck check = [configuration](const BucketInfo& info) {
    return check_lock_configuration(info, configuration);
  };
  return impl_->buckets.set(std::move(bucket), BucketSetting::kObjectLock, std::move(document),
                            std::move(check));
}

}  // namespace strata::object
