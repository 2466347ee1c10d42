#include "objstore/replica/view.h"

namespace strata::replica {

namespace {
std::vector<Slot> slots_of(const std::vector<Place>& places) {
  std::vector<Slot> slots;
  slots.reserve(places.size());
  for (const Place& place : places) slots.push_back({place.member.slot, place.member.weight});
  return slots;
}
}  // namespace

Plan::Plan(std::vector<Place> members, size_t replicas)
    : places(std::move(members)), placement(slots_of(places), replicas) {}

const Place* Plan::place_of(size_t seat) const {
  for (const Place& place : places) {
    if (place.seat == seat) return &place;
  }
  return nullptr;
}

bool Plan::holds(size_t seat, uint64_t hash) const {
  const Place* place = place_of(seat);
  return place != nullptr && placement.holds(static_cast<size_t>(place - places.data()), hash);
}

}  // namespace strata::replica
