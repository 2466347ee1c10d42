// The object store's frame: its parts and the methods that only pass on.
#include "objstore/object/object_store.h"

#include "objstore/object/store_impl.h"

namespace strata::object {

ObjectStore::ObjectStore(replica::Store& store, const io::Clock& clock, RandomSource& random,
                         const encryption::KeyRing* keys)
    : impl_(std::make_unique<Impl>(store, clock, random, keys)) {}

ObjectStore::~ObjectStore() = default;

async::Task<Status> ObjectStore::create_bucket(CreateBucketRequest request) {
  return impl_->buckets.create(std::move(request));
}

async::Task<Status> ObjectStore::set_bucket_setting(std::string bucket, BucketSetting kind,
                                                    std::optional<std::string> document,
                                                    BucketCheck check) {
  return impl_->buckets.set(std::move(bucket), kind, std::move(document), std::move(check));
}

async::Task<Result<BucketInfo>> ObjectStore::bucket(std::string name) {
  return impl_->buckets.find(std::move(name));
}

async::Task<Result<std::vector<BucketInfo>>> ObjectStore::list_buckets() {
  return impl_->buckets.list();
}

async::Task<Status> ObjectStore::delete_bucket(std::string name) {
  return impl_->buckets.remove(std::move(name));
}

}  // namespace strata::object
