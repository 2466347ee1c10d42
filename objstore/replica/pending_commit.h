// PendingCommit: one commit between its submission and the last drive's answer.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "common/async/completion.h"
#include "objstore/replica/core.h"

namespace strata::replica {

class PendingCommit final : public drive::PendingChange {
 public:
  using Outcome = async::Completion<Result<uint64_t>>;
  // The outcome lives in the frame of the task that awaits it.
  PendingCommit(Core& core, drive::Change change, Outcome& outcome)
      : core_(core), change_(std::move(change)), outcome_(outcome) {}

  // Numbers the change and hands it to the drives of the view. False, and nothing has happened,
  // when that is not the view any more; kBusy or kIo, and nothing has happened, when a queue is
  // full or too few drives are in service; else the outcome will be set.
  [[nodiscard]] static Result<bool> submit(const std::shared_ptr<PendingCommit>& commit,
                                           const View& view);

  [[nodiscard]] const drive::Change& change() const noexcept override { return change_; }
  void ended(size_t drive_tag, const Status& status) noexcept override;
  void flushed(size_t drive_tag) noexcept override;

 private:
  // A drive that gets the change.
  struct Target {
    size_t seat;
    bool serving;  // counts for the quorum
    bool awaited;  // the outcome waits for it
  };
  void choose_targets(const View& view);
  [[nodiscard]] const Target* target_of(size_t seat) const;
  void finish();

  Core& core_;
  drive::Change change_;
  Outcome& outcome_;
  std::vector<Target> targets_;  // fixed before the first drive gets the change
  std::atomic<size_t> flushed_{0};
  std::atomic<size_t> left_{0};
  std::atomic<size_t> left_to_flush_{0};  // Durability::kRelaxed
};

}  // namespace strata::replica
