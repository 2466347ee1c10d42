// ExportUses: how many connections use each export, and the bound on them.
//
// Thread rule: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace strata::nbd {

class ExportUses {
 public:
  // One connection's place among those of an export, given back when it is destroyed.
  class Use {
   public:
    Use(ExportUses& uses, std::string name) : uses_(uses), name_(std::move(name)) {}
    ~Use() { uses_.leave(name_); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

   private:
    ExportUses& uses_;
    const std::string name_;
  };

  // connections_max: of one export; at least 1. Outlives every Use.
  explicit ExportUses(uint32_t connections_max) noexcept : connections_max_(connections_max) {}

  // Nothing if the export has as many connections as it may.
  [[nodiscard]] std::unique_ptr<Use> join(std::string_view name);
  [[nodiscard]] uint32_t connections_max() const noexcept { return connections_max_; }

 private:
  void leave(const std::string& name);

  const uint32_t connections_max_;
  std::mutex mutex_;
  std::map<std::string, uint32_t, std::less<>> connections_;  // under mutex_; none is 0
};

}  // namespace strata::nbd
