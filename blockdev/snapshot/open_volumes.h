// OpenVolumes: the tracked devices of the volumes that are open now, so that who holds a volume
// finds its device, whatever layers lie over it.
//
// Thread rule: from any thread. What find gives is valid while the caller holds the volume.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "blockdev/snapshot/tracked_device.h"

namespace strata::snapshot {

class OpenVolumes {
 public:
  void add(const std::string& volume_id, TrackedDevice& device) {
    const std::lock_guard lock(mutex_);
    devices_[volume_id] = &device;
  }
  void remove(const std::string& volume_id) {
    const std::lock_guard lock(mutex_);
    devices_.erase(volume_id);
  }
  // Nullptr if it is not open.
  [[nodiscard]] TrackedDevice* find(const std::string& volume_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = devices_.find(volume_id);
    return found == devices_.end() ? nullptr : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TrackedDevice*> devices_;
};

}  // namespace strata::snapshot
