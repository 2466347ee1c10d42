// LifecycleWorker: walks the buckets that have a lifecycle configuration and does what is due.
//
// Thread rule: as Worker; its steps run as tasks on an event loop that the roof chooses.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/worker/worker.h"
#include "objstore/object/object_store.h"
#include "objstore/settings/lifecycle_due.h"

namespace strata::lifecycle {

class LifecycleWorker final : public worker::Worker {
 public:
  // Runs the task on an event loop and waits for its end.
  using RunOnLoop = std::function<Result<worker::Step>(async::Task<Result<worker::Step>>)>;

  // day: how long a day is, 24 hours but for trials. Store and clock outlive it.
  LifecycleWorker(object::ObjectStore& store, const io::Clock& clock, settings::DayLength day,
                  RunOnLoop run);

  [[nodiscard]] std::string_view name() const noexcept override { return "lifecycle"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "expires, deletes and moves objects as lifecycle rules say";
  }
  [[nodiscard]] Result<worker::Step> step() override { return run_(walk()); }
  void begin() override {}
  [[nodiscard]] worker::Progress progress() const override;

 private:
  // A version that was listed and not judged yet: what comes after it may matter.
  struct Held {
    object::ListedVersion version;
    size_t newer_noncurrent = 0;
    settings::Time noncurrent_since{};
  };

  [[nodiscard]] async::Task<Result<worker::Step>> walk();
  // The next bucket in the pass with a configuration; false: the pass is over.
  [[nodiscard]] async::Task<Result<bool>> find_bucket();
  [[nodiscard]] async::Task<Result<size_t>> walk_versions();
  [[nodiscard]] async::Task<Result<size_t>> walk_uploads();
  [[nodiscard]] async::Task<Status> judge(Held held, bool only_version);
  [[nodiscard]] async::Task<Status> act(const object::ObjectInfo& info, bool latest,
                                        const settings::Due& due);
  void count(const Status& done, const object::ObjectInfo& info, const settings::Due& due);
  void found_one();
  void begin_pass();
  [[nodiscard]] worker::Step end_pass();

  object::ObjectStore& store_;
  const io::Clock& clock_;
  const settings::DayLength day_;
  const RunOnLoop run_;

  // By the worker's thread and the task that it waits for.
  enum class Place { kBetweenBuckets, kVersions, kUploads };
  bool in_pass_ = false;
  Place place_ = Place::kBetweenBuckets;
  std::string bucket_;
  settings::LifecycleConfiguration configuration_;
  std::string key_marker_;
  std::string version_marker_;
  std::string upload_marker_;
  std::optional<Held> held_;
  size_t newer_noncurrent_ = 0;     // of the key that is being walked
  settings::Time last_modified_{};  // of the version listed last
  std::string last_key_;

  mutable std::mutex mutex_;
  worker::Progress shown_;  // guarded by mutex_
};

}  // namespace strata::lifecycle
