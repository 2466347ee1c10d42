// ReplicaBlobWriter: one blob on its way to every drive of its placement.
//
// Up to drive::kSmallBlobBytesMax bytes stay in memory and travel with the commit. Beyond, files
// are written in runs of blocks, one run under way while the next one gathers.
#pragma once

#include <memory>
#include <vector>

#include "objstore/replica/core.h"
#include "objstore/replica/store.h"

namespace strata::replica {

class ReplicaBlobWriter final : public BlobWriter {
 public:
  ReplicaBlobWriter(Core& core, uint64_t placement);
  ~ReplicaBlobWriter() override;
  [[nodiscard]] async::Task<Status> append(Bytes bytes) override;
  [[nodiscard]] async::Task<Result<BlobRef>> finish() override;

  // For the commit that owns it: the blob, with its bytes if they live in the index. From then on
  // nothing is removed.
  [[nodiscard]] drive::Change::Adopt adopt();
  // The commit was refused before anything happened: removed with the writer after all.
  void disown() noexcept;
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] uint64_t placement() const noexcept { return placement_; }

 private:
  struct File;
  struct Files;
  struct Step;
  class StepJob;
  enum class StepKind { kWrite, kFinish };
  // Starts the step on every drive; what was under way must have been awaited.
  void start_step(StepKind kind, ByteVector bytes);
  [[nodiscard]] async::Task<Status> await_step();
  [[nodiscard]] Status check_files();

  Core& core_;
  const uint64_t placement_;
  drive::Id128 id_;
  uint64_t size_bytes_ = 0;
  uint64_t blocks_started_ = 0;
  ByteVector buffer_;
  std::vector<uint64_t> checksums_;
  std::shared_ptr<Files> files_;  // null while everything is in memory
  std::shared_ptr<Step> step_;    // under way, or null
  bool finished_ = false;
};

}  // namespace strata::replica
