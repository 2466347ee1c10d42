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
class Moves;
class Resync;
class ReturnWatch;

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
  // Drives that come and go while the store serves; docs/drives.md has the whole of it. Each begins
  // what it says, which the resync worker then carries through; a restart in between loses nothing.
  // One at a time; they may block. Errors say what to do. `which` is the drive's id, the beginning
  // of it, or its path.
  //
  // An empty folder becomes one more drive; kNoSpace and the like say nothing of the others.
  [[nodiscard]] Status add_drive(DriveFolderOption folder);
  // Everything moves off the drive, then it leaves. Of a drive that is only on its way in: gives up
  // that move.
  [[nodiscard]] Status drain_drive(const std::string& which);
  // An empty folder takes the drive's place, filled from all the others and from the old one if it
  // is in service.
  [[nodiscard]] Status replace_drive(const std::string& which, DriveFolderOption folder);
  // A drive that was away or out comes back, is compared with the others, and serves; with one copy
  // of everything it serves at once. Of a drive that is being drained: it stays.
  [[nodiscard]] Status return_drive(const DriveFolderOption& folder);
  // A drive that is away or out, and gone for good: nobody waits for it any more, what only it had
  // reads as absent, and it is refused when it turns up after all. Its slot is then to be drained
  // or given another drive. kConflict for a drive that is in service.
  [[nodiscard]] Status accept_drive_loss(const std::string& which);
  // Fills drives and moves data. Outlived by the store; one thread at a time calls its step().
  [[nodiscard]] worker::Worker& resync();
  // Takes drives back whose folders were gone (return_watch.h); the same rule.
  [[nodiscard]] worker::Worker& return_watch();

  // Waits until repairs and removals that were started have ended. For tests and shutdown; not on a
  // loop or the pool.
  void settle();
  // What is done every few seconds: drives that are suspect are asked whether they answer by now.
  void probe_suspects();
  // Synced batches written by all drives: commits per flush is what group commit gains.
  [[nodiscard]] uint64_t flushes() const;

 private:
  ReplicaSet(std::unique_ptr<drive::IndexCache> cache, std::unique_ptr<Core> core,
             const WorkerOptions& workers, std::vector<DriveFolderOption> folders);
  std::unique_ptr<drive::IndexCache> cache_;  // outlives the drives in core_
  std::unique_ptr<Core> core_;
  std::unique_ptr<io::Clock> own_clock_;  // when the options give none
  std::unique_ptr<Scrub> scrub_;
  std::unique_ptr<OrphanSweep> orphans_;
  std::unique_ptr<Inspector> inspector_;
  std::unique_ptr<Resync> resync_;
  std::unique_ptr<Moves> moves_;
  std::unique_ptr<ReturnWatch> returns_;
};

}  // namespace strata::replica
