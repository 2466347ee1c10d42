#include "objstore/replica/suspects.h"

#include <algorithm>
#include <utility>

namespace strata::replica {

bool Suspects::kept_waiting(size_t seat) {
  const std::lock_guard lock(mutex_);
  Suspect& suspect = suspects_[seat];
  const bool fresh = count_.exchange(suspects_.size()) < suspects_.size();
  suspect.last_wait = now();
  suspect.probes_in_time = 0;
  return fresh;
}

bool Suspects::is_suspect(size_t seat) const {
  if (count_.load() == 0) return false;
  const std::lock_guard lock(mutex_);
  return suspects_.contains(seat);
}

void Suspects::order(std::vector<size_t>& seats) const {
  const auto comes_last = [this](size_t seat) {
    return is_suspect(seat) || reading_[seat].load() >= kReadsADriveMax;
  };
  if (std::ranges::any_of(seats, comes_last)) std::ranges::stable_sort(seats, {}, comes_last);
}

std::vector<size_t> Suspects::begin_probes() {
  std::vector<size_t> seats;
  if (count_.load() == 0) return seats;
  const std::lock_guard lock(mutex_);
  for (auto& [seat, suspect] : suspects_) {
    if (std::exchange(suspect.probing, true)) continue;
    seats.push_back(seat);
  }
  return seats;
}

bool Suspects::probe_ended(size_t seat, bool in_time) {
  const std::lock_guard lock(mutex_);
  const auto found = suspects_.find(seat);
  if (found == suspects_.end()) return false;
  Suspect& suspect = found->second;
  suspect.probing = false;
  suspect.probes_in_time = in_time ? suspect.probes_in_time + 1 : 0;
  if (!in_time) suspect.last_wait = now();
  if (suspect.probes_in_time < kProbesInTime || now() - suspect.last_wait < kSuspectWhile) {
    return false;
  }
  suspects_.erase(found);
  count_ = suspects_.size();
  return true;
}

void Suspects::forget(size_t seat) {
  const std::lock_guard lock(mutex_);
  suspects_.erase(seat);
  count_ = suspects_.size();
}

}  // namespace strata::replica
