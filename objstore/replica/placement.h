// Placement: which drives hold what, by rendezvous hashing of the placement's name with each
// drive's id. A drive that goes or comes moves only what it holds itself.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "objstore/drive/id128.h"

namespace strata::replica {

class Placement {
 public:
  Placement(std::vector<drive::Id128> members, size_t replicas)
      : members_(std::move(members)), replicas_(replicas) {}
  [[nodiscard]] static uint64_t hash(std::string_view name) noexcept;
  // The members' numbers, the preferred one first; as many as there are replicas.
  [[nodiscard]] std::vector<size_t> targets(uint64_t hash) const;
  [[nodiscard]] size_t replicas() const noexcept { return replicas_; }
  [[nodiscard]] size_t members() const noexcept { return members_.size(); }
  // A majority of the replicas.
  [[nodiscard]] size_t quorum() const noexcept { return replicas_ / 2 + 1; }

 private:
  std::vector<drive::Id128> members_;
  size_t replicas_;
};

}  // namespace strata::replica
