#include "objstore/replica/view.h"

#include <algorithm>

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

bool Plan::knows_all(size_t serving) const {
  if (serving == 0) return false;
  const auto lost = static_cast<size_t>(
      std::ranges::count_if(places, [](const Place& place) { return place.member.is_lost(); }));
  return serving + placement.replicas() > places.size() || serving + lost == places.size();
}

bool Plan::is_lost(uint64_t hash) const {
  return std::ranges::all_of(placement.targets(hash),
                             [this](size_t slot) { return places[slot].member.is_lost(); });
}

bool Plan::holds(size_t seat, uint64_t hash) const {
  const Place* place = place_of(seat);
  return place != nullptr && placement.holds(static_cast<size_t>(place - places.data()), hash);
}

}  // namespace strata::replica
