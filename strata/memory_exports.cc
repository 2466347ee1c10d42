#include "strata/memory_exports.h"

#include <fmt/format.h>

#include <algorithm>

#include "blockdev/volume/catalog.h"
#include "blockdev/volume/metadata.h"

namespace strata::roof {
namespace {

struct Lease final : device::ExportLease {
  Lease(device::MemoryDevice& leased, std::string_view export_name)
      : held(leased), known_as(export_name) {}
  [[nodiscard]] device::BlockDevice& device() noexcept override { return held; }
  [[nodiscard]] std::string_view name() const noexcept override { return known_as; }
  device::MemoryDevice& held;
  const std::string known_as;
};

}  // namespace

Result<std::unique_ptr<MemoryExports>> MemoryExports::create(
    device::ExportTable& others, const std::vector<VolumeWish>& wishes) {
  std::unique_ptr<MemoryExports> self(new MemoryExports(others));
  const std::vector<device::ExportInfo> taken = others.exports();
  for (const VolumeWish& wish : wishes) {
    TRY(volume::check_volume_name(wish.name));
    TRY(volume::check_volume_size(wish.size_bytes));
    const bool is_taken =
        self->devices_.contains(wish.name) ||
        std::any_of(taken.begin(), taken.end(),
                    [&](const device::ExportInfo& one) { return one.name == wish.name; });
    if (is_taken) {
      return Error(Code::kAlreadyExists,
                   fmt::format("--memory-volumes: a volume '{}' is there already", wish.name));
    }
    TRY_ASSIGN(auto made, device::MemoryDevice::create(wish.size_bytes));
    self->devices_.emplace(wish.name, std::move(made));
  }
  return self;
}

std::vector<device::ExportInfo> MemoryExports::exports() const {
  std::vector<device::ExportInfo> out = others_.exports();
  for (const auto& [name, device] : devices_) out.push_back({name, "in memory, kept nowhere"});
  return out;
}

Result<std::unique_ptr<device::ExportLease>> MemoryExports::lease(std::string_view name) {
  return lease_for(name, device::kThisMachine);
}

Result<std::unique_ptr<device::ExportLease>> MemoryExports::lease_for(std::string_view name,
                                                                      std::string_view client) {
  const auto found = devices_.find(name);
  if (found == devices_.end()) return others_.lease_for(name, client);
  return std::unique_ptr<device::ExportLease>(
      std::make_unique<Lease>(*found->second, found->first));
}

}  // namespace strata::roof
