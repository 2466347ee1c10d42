#include "blockdev/nbd/export_uses.h"

namespace strata::nbd {

std::unique_ptr<ExportUses::Use> ExportUses::join(std::string_view name) {
  auto use = std::make_unique<Use>(*this, std::string(name));
  {
    const std::lock_guard lock(mutex_);
    uint32_t& count = connections_[use->name()];
    // Counted before it is judged, so that the Use that is destroyed takes away what it added.
    if (++count <= connections_max_) return use;
  }
  return nullptr;
}

void ExportUses::leave(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(name);
  if (--found->second == 0) connections_.erase(found);
}

}  // namespace strata::nbd
