// ReplicaSet: several drives of this machine as one Store.
//
// A commit gets its place in the order of changes and goes to the committers of all its drives
// under one lock, so that every drive applies a prefix of the changes meant for it. It succeeds
// when every drive of its placement that is in service has flushed it, and a majority has. Reads
// take one verified copy, and wait when what they saw is not yet flushed everywhere.
//
// Thread rule: open, and the destructor, outside event loops and the pool, with no task under way.
#pragma once

#include <memory>

#include "common/async/blocking_pool.h"
#include "common/base/random.h"
#include "common/worker/worker.h"
#include "objstore/replica/membership.h"
#include "objstore/replica/store.h"

namespace strata::replica {

struct Core;
class Scrub;
class OrphanSweep;
class Inspector;

class ReplicaSet final : public Store {
 public:
  // Opens the drives, makes them agree, and is ready to serve. The pool and the random source
  // outlive it; random is used under a lock. Errors name the drive and say what to do.
  [[nodiscard]] static Result<std::unique_ptr<ReplicaSet>> open(ReplicaSetOptions options,
                                                                async::BlockingPool& pool,
                                                                RandomSource& random);
  ~ReplicaSet() override;

  [[nodiscard]] Sequence next_stamp() override;
  [[nodiscard]] async::Task<Result<std::optional<Row>>> get(std::string placement,
                                                            std::string key) override;
  [[nodiscard]] async::Task<Result<std::vector<Row>>> scan(ScanRequest request) override;
  [[nodiscard]] async::Task<Result<std::unique_ptr<BlobWriter>>> create_blob(
      std::string placement, std::optional<uint64_t> expected_bytes) override;
  [[nodiscard]] async::Task<Result<std::unique_ptr<async::ByteSource>>> read_blob(
      std::string placement, BlobRef blob, uint64_t offset, uint64_t length) override;
  [[nodiscard]] async::Task<Result<Sequence>> commit(Mutation mutation) override;
  [[nodiscard]] std::unique_ptr<ReadPin> pin() override;
  [[nodiscard]] StoreStatus status() const override;

  // What works in the background, for whoever runs it: they live as long as this.
  [[nodiscard]] std::vector<worker::Job> workers();
  [[nodiscard]] Scrub& scrub() { return *scrub_; }
  [[nodiscard]] Inspector& inspector() { return *inspector_; }

  // Waits until repairs and removals that were started have ended. For tests and shutdown; not on a
  // loop or the pool.
  void settle();
  // Synced batches written by all drives: commits per flush is what group commit gains.
  [[nodiscard]] uint64_t flushes() const;

 private:
  ReplicaSet(std::unique_ptr<drive::IndexCache> cache, std::unique_ptr<Core> core,
             const WorkerOptions& workers);
  std::unique_ptr<drive::IndexCache> cache_;  // outlives the drives in core_
  std::unique_ptr<Core> core_;
  std::unique_ptr<io::Clock> own_clock_;  // when the options give none
  std::unique_ptr<Scrub> scrub_;
  std::unique_ptr<OrphanSweep> orphans_;
  std::unique_ptr<Inspector> inspector_;
};

}  // namespace strata::replica
