#include "objstore/replica/placement.h"

#include <algorithm>
#include <bit>

#include "common/base/check.h"
#include "common/digest/checksum.h"
#include "objstore/drive/identity.h"

namespace strata::replica {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kFractionBits = 24;
// Bits of a weight that count.
constexpr int kWeightBits = 4;

// -log2(h / 2^64) with kFractionBits behind the point, rounded so that it never grows with h.
uint64_t minus_log2(uint64_t h) {
  h |= 1;
  const int zeros = std::countl_zero(h);
  uint64_t mantissa = h << zeros;  // 1.0 to 2.0 with 63 bits behind the point
  uint64_t fraction = 0;
  for (int i = 0; i < kFractionBits; ++i) {
    const Wide square = static_cast<Wide>(mantissa) * mantissa;  // 126 bits behind the point
    const bool two = (square >> 127) != 0;
    mantissa = static_cast<uint64_t>(square >> (two ? 64 : 63));
    fraction = fraction << 1 | (two ? 1 : 0);
  }
  return (static_cast<uint64_t>(zeros + 1) << kFractionBits) - fraction;
}

struct Draw {
  uint64_t hash;
  uint64_t length;  // minus_log2(hash), or 0 where weights are equal
  uint64_t weight;
  size_t slot;
};

bool wins(const Draw& a, const Draw& b) {
  const Wide left = static_cast<Wide>(a.length) * b.weight;
  const Wide right = static_cast<Wide>(b.length) * a.weight;
  if (left != right) return left < right;
  if (a.hash != b.hash) return a.hash > b.hash;
  return a.slot < b.slot;
}

}  // namespace

uint64_t weight_of_capacity(uint64_t bytes) noexcept {
  const uint64_t mib = std::clamp<uint64_t>(bytes / kMiB, 1, drive::kWeightMax / 2);
  const int spare = static_cast<int>(std::bit_width(mib)) - kWeightBits;
  if (spare <= 0) return mib;
  const uint64_t half = uint64_t{1} << (spare - 1);
  return (mib + half) >> spare << spare;
}

Placement::Placement(std::vector<Slot> slots, size_t replicas)
    : slots_(std::move(slots)), replicas_(replicas) {
  CHECK(replicas_ >= 1 && replicas_ <= slots_.size(), "as many slots as copies");
  weighted_ = std::ranges::any_of(
      slots_, [this](const Slot& slot) { return slot.weight != slots_.front().weight; });
}

uint64_t Placement::hash(std::string_view name) noexcept {
  return digest::xxh3(as_bytes(name));
}

std::vector<size_t> Placement::targets(uint64_t hash) const {
  std::vector<Draw> draws;
  draws.reserve(slots_.size());
  for (size_t i = 0; i < slots_.size(); ++i) {
    const uint64_t drawn = digest::xxh3(Bytes(slots_[i].id.bytes), hash);
    draws.push_back({drawn, weighted_ ? minus_log2(drawn) : 0, slots_[i].weight, i});
  }
  std::ranges::sort(draws, wins);
  std::vector<size_t> chosen;
  chosen.reserve(replicas_);
  for (size_t i = 0; i < replicas_; ++i) chosen.push_back(draws[i].slot);
  return chosen;
}

bool Placement::holds(size_t slot, uint64_t hash) const {
  if (replicas_ == slots_.size()) return true;
  const std::vector<size_t> chosen = targets(hash);
  return std::ranges::find(chosen, slot) != chosen.end();
}

}  // namespace strata::replica
