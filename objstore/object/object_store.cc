// The object store's frame: its parts and the methods that only pass on.
#include "objstore/object/object_store.h"

#include "objstore/object/store_impl.h"

namespace strata::object {

ObjectStore::ObjectStore(replica::Store& store, const io::Clock& clock, RandomSource& random)
    : impl_(std::make_unique<Impl>(store, clock, random)) {}

ObjectStore::~ObjectStore() = default;

async::Task<Status> ObjectStore::create_bucket(std::string name, std::string region) {
  return impl_->buckets.create(std::move(name), std::move(region));
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
