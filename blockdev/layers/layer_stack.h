// LayerStack: a disk with its limits and layers over it, all changeable while it is used.
//
//   request -> layer 1 -> ... -> layer n -> throttle -> delay -> disk
//
// Throttle and delay are always there, and pass requests on untouched while they are switched off.
// The layers are a list that is replaced as a whole: each queue notices at its next request, lets
// go of what the old layers hold, and takes them down when the last request has left them.
//
// Thread rule: as for any BlockDevice; set() and the numbers from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "blockdev/device/block_device.h"
#include "blockdev/layers/delay_layer.h"
#include "blockdev/layers/layer_spec.h"
#include "blockdev/layers/meter_layer.h"
#include "blockdev/layers/throttle_layer.h"

namespace strata::layers {

// The layers of one setting, with what they share between queues.
class LayerChain;

class LayerStack final : public device::BlockDevice {
 public:
  // next, time and registry (if any) outlive the stack. `volume` names it in the metrics; the seed
  // decides the delays.
  LayerStack(device::BlockDevice& next, Timekeeper& time, metrics::Registry* registry,
             std::string volume, uint64_t seed);
  ~LayerStack() override;

  // kLayersMax layers at most: the caller has checked.
  void set(const StackSettings& settings);
  // No request waits in a layer from now on, until the next set(): for the end of the server.
  void release();

  [[nodiscard]] device::Geometry geometry() const noexcept override { return next_.geometry(); }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override;
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override;

  // What the layers `meter` saw together, by kind; empty without one. Without a registry it begins
  // anew with each set().
  [[nodiscard]] std::vector<Meter::Snapshot> meter() const;
  [[nodiscard]] uint64_t iops_credit() const { return rate_.iops_credit(time_.now()); }
  [[nodiscard]] uint64_t bytes_credit() const { return rate_.bytes_credit(time_.now()); }
  // Requests that the fault layers have hit since they were set.
  [[nodiscard]] uint64_t faults() const;

 private:
  friend class StackQueue;
  [[nodiscard]] std::shared_ptr<LayerChain> chain() const;

  device::BlockDevice& next_;
  Timekeeper& time_;
  RateLimit rate_;
  Latency latency_;
  metrics::Registry* const registry_;
  const std::string volume_;
  const uint64_t seed_;
  ThrottleLayer throttle_;
  DelayLayer delay_;
  mutable std::mutex mutex_;
  std::shared_ptr<LayerChain> chain_;  // under mutex_
  std::atomic<uint64_t> generation_{0};
};

}  // namespace strata::layers
