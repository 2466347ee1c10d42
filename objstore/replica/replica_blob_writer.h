// ReplicaBlobWriter: one blob on its way to every drive of its placement.
//
// Up to drive::kSmallBlobBytesMax bytes stay in memory and travel with the commit. Beyond, files
// are written in runs of blocks, each run to all drives at once, some runs under way while the next
// one gathers. A drive that does not answer in time goes out of service, and the others go on.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/buffer_pool.h"
#include "objstore/replica/core.h"
#include "objstore/replica/store.h"

namespace strata::replica {

// Runs under way at once: with the one that gathers, what an upload holds in memory.
inline constexpr size_t kRunsUnderWayMax = 4;

class ReplicaBlobWriter final : public BlobWriter {
 public:
  ReplicaBlobWriter(Core& core, uint64_t placement, std::optional<uint64_t> expected_bytes);
  ~ReplicaBlobWriter() override;
  [[nodiscard]] async::Task<Status> append(Bytes bytes) override;
  [[nodiscard]] async::Task<Result<BlobRef>> finish() override;

  // Drives that were not there when the blob was begun get a copy of its file, so that it is on
  // each of these seats that is in service. A drive that is being filled and cannot take it is out.
  [[nodiscard]] async::Task<Status> reach(std::vector<size_t> seats);
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
  class StepTimer;
  enum class StepKind { kOpen, kWrite, kFinish };
  static async::detail::Detached run_lane(std::shared_ptr<Files> files, std::shared_ptr<Step> step,
                                          size_t lane);
  [[nodiscard]] async::Task<Status> open_files();
  // Appends to the run that gathers; a full one is on its way when this returns.
  [[nodiscard]] async::Task<Status> gather(Bytes bytes);
  // Starts to write what has gathered.
  [[nodiscard]] async::Task<Status> write_run();
  // Starts the step on every drive.
  void start_step(std::shared_ptr<Step> step);
  // Until at most this many steps are under way.
  [[nodiscard]] async::Task<Status> await_steps(size_t left);
  [[nodiscard]] Status check_files();
  [[nodiscard]] bool is_on(size_t seat) const;
  [[nodiscard]] Status copy_to(size_t seat);

  Core& core_;
  const uint64_t placement_;
  const std::optional<uint64_t> expected_bytes_;
  drive::Id128 id_;
  const LiveWriters::Entry live_;
  uint64_t size_bytes_ = 0;
  uint64_t blocks_started_ = 0;
  ByteVector small_;        // the blob while it may live in the index
  BufferPool::Buffer run_;  // what gathers, once there are files
  size_t run_bytes_ = 0;
  std::vector<uint64_t> checksums_;
  std::shared_ptr<Files> files_;  // null while everything is in memory
  std::deque<std::shared_ptr<Step>> steps_;
  bool finished_ = false;
};

}  // namespace strata::replica
