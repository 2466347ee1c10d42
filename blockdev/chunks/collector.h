// Collector: removes the chunks that no snapshot and no volume needs any more.
//
// A pass: claim to collect; mark every chunk that a manifest, or the manifest that a lazily
// restored volume claims, names; then go through the chunks and remove what is not marked. It gives
// up, and has removed only what it might, if a manifest cannot be read, somebody begins a snapshot,
// or the place fails. Crashing anywhere is safe: what was removed was needed by nobody.
//
// Thread rule: one thread at a time; every step blocks.
#pragma once

#include <string>
#include <vector>

#include "blockdev/chunks/chunk_store.h"
#include "blockdev/chunks/claims.h"

namespace strata::chunks {

// Chunks that the manifests of one place may name together: 4 TiB of different data.
inline constexpr size_t kMarkedChunksMax = 8 * kMiB;

class Collector {
 public:
  struct Totals {
    uint64_t manifests = 0;
    uint64_t kept = 0;
    uint64_t removed = 0;
  };
  // Both outlive this.
  Collector(ChunkStore& store, Claims& claims) : store_(store), claims_(claims) {}
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // One bounded piece of a pass: one manifest, or one page of chunks. False: the pass is over.
  // kBusy: it is given up, since somebody else is at work. After an error the next step
  // begins a new pass.
  [[nodiscard]] Result<bool> step();
  // Of the pass under way, or the last one.
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }

 private:
  enum class Phase { kIdle, kMark, kSweep };
  [[nodiscard]] Status begin();
  [[nodiscard]] Result<bool> run();
  [[nodiscard]] Status mark_next();
  [[nodiscard]] Result<bool> sweep_page();
  [[nodiscard]] bool marked(const ChunkId& id) const;

  ChunkStore& store_;
  Claims& claims_;
  Phase phase_ = Phase::kIdle;
  Totals totals_;
  std::vector<std::string> to_mark_;  // keys of manifests
  std::vector<ChunkId> marks_;        // sorted
  std::string after_;
};

}  // namespace strata::chunks
