// Placement: which slots hold what, by rendezvous hashing of the placement's name with each slot's
// id, weighted by capacity. A slot that goes or comes moves only what it holds itself.
//
// A slot's draw is -log2(h) / weight for its hash h in (0, 1); the smallest draws win (CRUSH calls
// it straw2). All of it is integer arithmetic, so that every machine decides alike; with equal
// weights the largest hash wins, and no logarithm is needed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "objstore/drive/id128.h"

namespace strata::replica {

struct Slot {
  drive::Id128 id;
  uint64_t weight = 1;  // 1 to drive::kWeightMax
};

// The weight of a drive of that size: MiB, rounded so that drives of nearly the same size weigh the
// same.
[[nodiscard]] uint64_t weight_of_capacity(uint64_t bytes) noexcept;

class Placement {
 public:
  Placement(std::vector<Slot> slots, size_t replicas);
  [[nodiscard]] static uint64_t hash(std::string_view name) noexcept;
  // The slots' numbers, the preferred one first; as many as there are replicas.
  [[nodiscard]] std::vector<size_t> targets(uint64_t hash) const;
  [[nodiscard]] bool holds(size_t slot, uint64_t hash) const;
  [[nodiscard]] size_t replicas() const noexcept { return replicas_; }
  [[nodiscard]] size_t slots() const noexcept { return slots_.size(); }
  // A majority of the replicas.
  [[nodiscard]] size_t quorum() const noexcept { return replicas_ / 2 + 1; }

 private:
  std::vector<Slot> slots_;
  size_t replicas_;
  bool weighted_ = false;
};

}  // namespace strata::replica
