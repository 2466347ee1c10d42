#include "blockdev/vhost_user/inflight.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace strata::vhost_user {
namespace {

// QueueRegionSplit: features (64), version (16), desc_num (16), last_batch_head (16), used_idx
// (16), then for each descriptor a DescStateSplit: inflight (8), padding (40), next (16), counter
// (64).
constexpr size_t kVersionAt = 8;
constexpr size_t kSlotsAt = 10;
constexpr size_t kBatchHeadAt = 12;
constexpr size_t kUsedAt = 14;
constexpr size_t kHeaderBytes = 16;
constexpr size_t kNextAt = 6;
constexpr size_t kCounterAt = 8;
constexpr size_t kEntryBytes = 16;
constexpr uint16_t kRegionVersion = 1;
// Regions do not share a cache line.
constexpr uint64_t kRegionAlignment = 64;

template <typename T>
T get(std::byte* at) noexcept {
  return std::atomic_ref(*reinterpret_cast<T*>(at)).load(std::memory_order_acquire);
}
// In the order of the program: whoever is killed between two has done the first.
template <typename T>
void put(std::byte* at, T value) noexcept {
  std::atomic_ref(*reinterpret_cast<T*>(at)).store(value, std::memory_order_release);
}

}  // namespace

uint64_t InflightLog::region_bytes(uint32_t entries) noexcept {
  return round_up(kHeaderBytes + uint64_t{entries} * kEntryBytes, kRegionAlignment);
}

std::byte* InflightLog::entry(uint16_t head) const noexcept {
  return memory_.data() + kHeaderBytes + size_t{head} * kEntryBytes;
}

bool InflightLog::recover(uint16_t used, std::vector<uint16_t>& resume) {
  std::byte* const region = memory_.data();
  resume.clear();
  batch_.clear();
  batch_.reserve(entries_);
  counter_ = 0;
  if (get<uint16_t>(region + kVersionAt) != kRegionVersion ||
      get<uint16_t>(region + kSlotsAt) != entries_) {
    std::fill(memory_.begin(), memory_.end(), std::byte{0});
    put(region + kSlotsAt, static_cast<uint16_t>(entries_));
    put(region + kUsedAt, used);
    put(region + kVersionAt, kRegionVersion);
    return false;
  }
  const auto published = get<uint16_t>(region + kUsedAt);
  if (published != used) {
    uint16_t head = get<uint16_t>(region + kBatchHeadAt);
    uint32_t left = std::min<uint32_t>(static_cast<uint16_t>(used - published), entries_);
    for (; left > 0 && head < entries_; --left) {
      put(entry(head), uint8_t{0});
      head = get<uint16_t>(entry(head) + kNextAt);
    }
    put(region + kUsedAt, used);
  }
  std::vector<std::pair<uint64_t, uint16_t>> order;
  for (uint32_t i = 0; i < entries_; ++i) {
    const auto head = static_cast<uint16_t>(i);
    if (get<uint8_t>(entry(head)) != 0) {
      order.emplace_back(get<uint64_t>(entry(head) + kCounterAt), head);
    }
  }
  std::sort(order.begin(), order.end());
  for (const auto& [counter, head] : order) resume.push_back(head);
  if (!order.empty()) counter_ = order.back().first + 1;
  return true;
}

void InflightLog::taken(uint16_t head) noexcept {
  put(entry(head) + kCounterAt, counter_++);
  put(entry(head), uint8_t{1});
}

void InflightLog::forgotten(uint16_t head) noexcept {
  put(entry(head), uint8_t{0});
}

void InflightLog::finished(uint16_t head) noexcept {
  std::byte* const last = memory_.data() + kBatchHeadAt;
  put(entry(head) + kNextAt, get<uint16_t>(last));
  put(last, head);
  batch_.push_back(head);
}

void InflightLog::published(uint16_t used) noexcept {
  for (const uint16_t head : batch_) put(entry(head), uint8_t{0});
  batch_.clear();
  put(memory_.data() + kUsedAt, used);
}

CacheChoice noted_cache(MutableBytes note) noexcept {
  if (note.empty()) return CacheChoice::kUnknown;
  const auto choice = static_cast<CacheChoice>(get<uint8_t>(note.data()));
  const bool known = choice == CacheChoice::kWriteBack || choice == CacheChoice::kWriteThrough;
  return known ? choice : CacheChoice::kUnknown;
}

void note_cache(MutableBytes note, CacheChoice choice) noexcept {
  if (!note.empty()) put(note.data(), static_cast<uint8_t>(choice));
}

}  // namespace strata::vhost_user
