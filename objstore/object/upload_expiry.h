// UploadExpiry: ends multipart uploads that were begun long ago and never completed, and so frees
// their parts.
//
// Thread rule: as Worker; its steps run as tasks on an event loop that the roof chooses.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "common/base/deadline.h"
#include "common/worker/worker.h"
#include "objstore/object/object_store.h"

namespace strata::object {

class UploadExpiry final : public worker::Worker {
 public:
  // Runs the task on an event loop and waits for its end.
  using RunOnLoop = std::function<Result<worker::Step>(async::Task<Result<worker::Step>>)>;

  // age: since the upload was begun. Store and clock outlive it.
  UploadExpiry(ObjectStore& store, const io::Clock& clock, Duration age, RunOnLoop run);

  [[nodiscard]] std::string_view name() const noexcept override { return "uploads"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "ends multipart uploads that nobody completed";
  }
  [[nodiscard]] Result<worker::Step> step() override { return run_(sweep()); }
  void begin() override {}
  [[nodiscard]] worker::Progress progress() const override;

 private:
  [[nodiscard]] async::Task<Result<worker::Step>> sweep();
  // The first bucket from bucket_ on; empty: there is none.
  [[nodiscard]] async::Task<Result<std::string>> next_bucket();
  [[nodiscard]] async::Task<Result<bool>> end_if_old(std::string bucket, UploadInfo upload);
  void begin_pass();
  [[nodiscard]] worker::Step end_pass();

  ObjectStore& store_;
  const io::Clock& clock_;
  const Duration age_;
  const RunOnLoop run_;
  // By the worker's thread and the task that it waits for.
  bool in_pass_ = false;
  std::string bucket_;
  bool bucket_done_ = false;
  std::string key_marker_;
  std::string upload_marker_;

  mutable std::mutex mutex_;
  worker::Progress shown_;  // guarded by mutex_
};

}  // namespace strata::object
