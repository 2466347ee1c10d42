#include "objstore/replica/placement.h"

#include <algorithm>

#include "common/digest/checksum.h"

namespace strata::replica {

uint64_t Placement::hash(std::string_view name) noexcept {
  return digest::xxh3(as_bytes(name));
}

std::vector<size_t> Placement::targets(uint64_t hash) const {
  struct Score {
    uint64_t score;
    size_t member;
  };
  std::vector<Score> scores;
  scores.reserve(members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    scores.push_back({digest::xxh3(Bytes(members_[i].bytes), hash), i});
  }
  std::ranges::sort(scores, [](const Score& a, const Score& b) {
    return a.score != b.score ? a.score > b.score : a.member < b.member;
  });
  std::vector<size_t> chosen;
  chosen.reserve(replicas_);
  for (size_t i = 0; i < replicas_; ++i) chosen.push_back(scores[i].member);
  return chosen;
}

}  // namespace strata::replica
