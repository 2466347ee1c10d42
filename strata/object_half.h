// The object half, composed: drives, replica set, object store and the S3 handler.
#pragma once

#include <memory>
#include <vector>

#include "common/async/blocking_pool.h"
#include "common/base/random.h"
#include "common/http/server.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"
#include "common/metrics/metrics.h"
#include "common/worker/worker.h"
#include "objstore/replica/replica_set.h"
#include "strata/credentials.h"
#include "strata/drive_list.h"
#include "strata/loop_threads.h"
#include "strata/options.h"

namespace strata::encryption {
class KeyRing;
}  // namespace strata::encryption

namespace strata::object {
class ObjectStore;
}  // namespace strata::object

namespace strata::replica {
class Scrub;
class Inspector;
}  // namespace strata::replica

namespace strata::iam {
class Directory;
}

namespace strata::roof {

// Thread rule: opened and destroyed by one thread while the loops run.
class ObjectHalf {
 public:
  // What both halves stand on; outlives this.
  struct Ground {
    io::FileSystem& files;
    const io::Clock& clock;
    RandomSource& random;
    async::BlockingPool& pool;
    LoopThreads& loops;
    metrics::Registry& registry;
    DriveList& drive_list;
  };

  // Opens (and recovers) the drives, and makes the buckets of the options that are missing.
  [[nodiscard]] static Result<std::unique_ptr<ObjectHalf>> open(const ServeOptions& options,
                                                                const Credentials& credentials,
                                                                Ground ground);
  // The S3 server is stopped before.
  ~ObjectHalf();
  ObjectHalf(const ObjectHalf&) = delete;
  ObjectHalf& operator=(const ObjectHalf&) = delete;

  [[nodiscard]] http::Handler& handler() noexcept;
  // Buckets as websites.
  [[nodiscard]] http::Handler& website() noexcept;
  [[nodiscard]] replica::ReplicaSet& drives() noexcept;
  [[nodiscard]] object::ObjectStore& objects() noexcept;
  // The master keys of encrypted objects.
  [[nodiscard]] encryption::KeyRing& keys() noexcept;
  [[nodiscard]] replica::StoreStatus status() const;
  // What works in the background; lives as long as this.
  [[nodiscard]] std::vector<worker::Job> workers();
  [[nodiscard]] const replica::Scrub& scrub() const;
  // Whom the server knows.
  [[nodiscard]] iam::Directory& directory() noexcept;
  // For receipts.
  [[nodiscard]] replica::Inspector& inspector();

 private:
  struct Impl;
  explicit ObjectHalf(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::roof
