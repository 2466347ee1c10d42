// Buckets: their rows, which of them exist, and commits that are safe against their deletion.
#pragma once

#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/async/task.h"
#include "common/io/clock.h"
#include "objstore/object/bucket_gate.h"
#include "objstore/object/object_store.h"
#include "objstore/object/types.h"
#include "objstore/replica/store.h"

namespace strata::object {

// Thread rule: every method from any event loop.
class Buckets {
 public:
  // Both outlive this.
  Buckets(replica::Store& store, const io::Clock& clock) : store_(store), clock_(clock) {}

  [[nodiscard]] async::Task<Status> create(CreateBucketRequest request);
  [[nodiscard]] async::Task<Status> remove(std::string name);
  // See ObjectStore::set_bucket_setting.
  [[nodiscard]] async::Task<Status> set(std::string name, BucketSetting kind,
                                        std::optional<std::string> document, BucketCheck check);
  // kNotFound/no_such_bucket, or kInvalidArgument for what cannot be a bucket's name.
  [[nodiscard]] async::Task<Result<BucketInfo>> find(std::string name);
  // By name.
  [[nodiscard]] async::Task<Result<std::vector<BucketInfo>>> list();

  // A bucket as it is, for as long as this lives: it is not deleted and its settings stay.
  struct Visit {
    SharedGate::Pass pass;
    BucketInfo info;
  };
  // While a visit lasts its task reads and commits, and waits for no other lock.
  [[nodiscard]] async::Task<Result<Visit>> visit(std::string bucket);
  [[nodiscard]] async::Task<Status> commit(const Visit& visit, replica::Mutation mutation);

  // Commits if the bucket exists; it cannot be deleted in between. Every commit inside a bucket
  // goes through here, so that a bucket found empty stays empty while it is deleted.
  [[nodiscard]] async::Task<Status> commit(std::string bucket, replica::Mutation mutation);

 private:
  [[nodiscard]] std::optional<BucketInfo> known(const std::string& name) const;
  void remember(const BucketInfo& info);
  void forget(const std::string& name);
  // From memory or the store. The caller is inside the bucket's gate.
  [[nodiscard]] async::Task<Result<BucketInfo>> find_inside(std::string name);
  [[nodiscard]] async::Task<Result<bool>> has_rows(std::string head);
  // How many there are. The caller is alone in administration_.
  [[nodiscard]] async::Task<Result<size_t>> count();

  replica::Store& store_;
  const io::Clock& clock_;
  BucketGate gate_;
  // Creation and deletion, one after the other: the number of buckets has a limit. Passed before a
  // bucket's own gate.
  SharedGate administration_;
  std::optional<size_t> count_;  // guarded by being alone in administration_; absent: to be counted

  // Buckets that exist. Entries come and go only inside the bucket's gate, so that none outlives
  // its bucket; at most kBucketsMax.
  mutable std::shared_mutex known_mutex_;
  std::unordered_map<std::string, BucketInfo> known_;  // guarded by known_mutex_
};

[[nodiscard]] Error no_such_bucket(std::string_view name);

}  // namespace strata::object
