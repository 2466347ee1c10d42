// View: who holds what, as of now: the members, the drives that stand in for them, and what each
// may be used for. A view never changes; another one takes its place, under the lock of the order
// of changes, so that every change is given to the drives of exactly one view.
#pragma once

#include <optional>
#include <vector>

#include "objstore/drive/identity.h"
#include "objstore/replica/placement.h"

namespace strata::replica {

// What a drive may be used for.
enum class Role : uint8_t {
  kJoining,  // is given changes; nobody waits for it or reads from it
  kCounted,  // a success waits for it too; nobody reads from it yet
  kServing,
};

// A member, and the opening of a drive (Core::seat) that stands for it, in service or not.
struct Place {
  drive::MemberRecord member;
  size_t seat = 0;
  Role role = Role::kServing;
};

// One list of members with its placement.
struct Plan {
  Plan(std::vector<Place> members, size_t replicas);
  [[nodiscard]] bool holds(size_t seat, uint64_t hash) const;
  // The place of this seat, or null.
  [[nodiscard]] const Place* place_of(size_t seat) const;
  // Whether so many of the members know together all that is stored: one of them is in every
  // placement, or nobody who is away may come back.
  [[nodiscard]] bool knows_all(size_t serving) const;
  // Whether nothing of this placement is left: all its drives are lost.
  [[nodiscard]] bool is_lost(uint64_t hash) const;

  std::vector<Place> places;
  Placement placement;
};

struct View {
  uint64_t layout = 1;  // the number in the identities
  Plan current;
  // The members after the move under way. Its drives are given every change from its begin on.
  std::optional<Plan> next;
  bool next_counted = false;  // a success waits for the drives of `next` too
  // Some drive may hold rows that are not its own: a scan looks at whose each row is.
  bool strays = false;
};

}  // namespace strata::replica
