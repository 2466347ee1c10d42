// CollectWorker: collects, now and then and whenever it is begun, the chunks of the own place that
// nobody needs any more.
//
// Thread rule: as every worker.
#pragma once

#include <functional>
#include <mutex>
#include <optional>

#include "blockdev/chunks/collector.h"
#include "blockdev/snapshot/repository.h"
#include "common/worker/worker.h"

namespace strata::snapshot {

class CollectWorker final : public worker::Worker {
 public:
  // repository: asked for at the first step.
  explicit CollectWorker(std::function<Result<Repository*>()> repository)
      : repository_(std::move(repository)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "snapshot-gc"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "removes the chunks that no snapshot needs any more";
  }
  [[nodiscard]] Result<worker::Step> step() override;
  void begin() override {}
  [[nodiscard]] worker::Progress progress() const override;

 private:
  const std::function<Result<Repository*>()> repository_;
  std::optional<chunks::Collector> collector_;  // the worker's own
  mutable std::mutex mutex_;
  chunks::Collector::Totals totals_;  // under mutex_
};

}  // namespace strata::snapshot
