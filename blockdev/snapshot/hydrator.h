// Hydrator: fetches in the background what restored volumes do not have in their images yet. A
// worker: its rate is the rate of the hydration, and it can be paused.
//
// Thread rule: as every worker; add, let_go and list from any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "blockdev/snapshot/open_volumes.h"
#include "blockdev/volume/catalog.h"
#include "common/worker/worker.h"

namespace strata::snapshot {

// A volume that is not all in its image yet.
struct HydrationInfo {
  std::string volume_id;
  std::string volume;
  std::string snapshot;
  std::string place;
  uint64_t absent_bytes = 0;  // as far as is known
  uint64_t total_bytes = 0;
};

class Hydrator final : public worker::Worker {
 public:
  // hydrated: called when all of a volume is in its image; its snapshot's chunks are not needed for
  // it any more. All outlive this.
  Hydrator(volume::Catalog& catalog, OpenVolumes& open, const io::Clock& clock,
           std::function<void(const HydrationInfo&)> hydrated)
      : catalog_(catalog), open_(open), clock_(clock), hydrated_(std::move(hydrated)) {}

  void add(HydrationInfo volume);
  // Gives up its hold of the volume and takes none for some seconds.
  void let_go(const std::string& volume_id);
  // Gives up every hold, and takes none any more.
  void stop();
  [[nodiscard]] std::vector<HydrationInfo> list() const;

  [[nodiscard]] std::string_view name() const noexcept override { return "hydration"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "fetches what volumes restored from snapshots do not have yet";
  }
  [[nodiscard]] Result<worker::Step> step() override;
  void begin() override {}
  [[nodiscard]] worker::Progress progress() const override;

 private:
  struct Entry {
    HydrationInfo info;
    uint64_t cursor = 0;
    SteadyTime not_before{};
  };
  [[nodiscard]] std::optional<HydrationInfo> choose(Duration& wait);
  [[nodiscard]] Result<uint64_t> fetch_some(const HydrationInfo& volume);
  [[nodiscard]] Status hold(const HydrationInfo& volume);
  void forget(const std::string& volume_id);

  volume::Catalog& catalog_;
  OpenVolumes& open_;
  const io::Clock& clock_;
  const std::function<void(const HydrationInfo&)> hydrated_;

  std::mutex step_mutex_;  // one piece at a time; taken before mutex_
  bool stopped_ = false;   // under step_mutex_
  std::string held_id_;    // under step_mutex_
  std::unique_ptr<device::ExportLease> held_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by volume id; under mutex_
  std::string last_;                      // the volume that had its turn; under mutex_
};

}  // namespace strata::snapshot
