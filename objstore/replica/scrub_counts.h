// What the scrub has met since the start.
//
// Thread rule: from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace strata::replica {

struct ScrubCounts {
  // Verified.
  std::atomic<uint64_t> records{0};      // of every table, one a copy
  std::atomic<uint64_t> small_blobs{0};  // one a copy
  std::atomic<uint64_t> blob_files{0};   // one a copy
  std::atomic<uint64_t> index_files{0};
  // Met, and repaired if another copy was good.
  std::atomic<uint64_t> bad{0};      // a copy that does not match its checksum, or cannot be read
  std::atomic<uint64_t> missing{0};  // a drive lacks a copy that it should have
  std::atomic<uint64_t> stale{0};    // a drive has an older copy than the others
  std::atomic<uint64_t> surplus{0};  // a drive has a record that was deleted
  std::atomic<uint64_t> orphans{0};  // data of a small blob that no record owns: removed
  // Met, and nothing was done.
  std::atomic<uint64_t> lost{0};      // no drive has a good copy
  std::atomic<uint64_t> disputed{0};  // most drives lack it, and no log says why
  std::atomic<uint64_t> stops{0};     // an index that could not be read on from some place
  std::atomic<uint64_t> index{0};     // a damaged file of an index: made anew by the next start
  std::atomic<uint64_t> failed{0};  // a repair that the drive could not do; tried in the next pass
  std::atomic<uint64_t> repaired{0};  // by the scrub itself; the healer counts its own

  std::atomic<uint64_t> copying{0};  // copies of whole blobs under way now

  // Each kind of finding by its name.
  struct Named {
    std::string_view name;
    uint64_t count;
  };
  [[nodiscard]] std::array<Named, 9> by_kind() const noexcept {
    return {{{"bad", bad},
             {"missing", missing},
             {"stale", stale},
             {"surplus", surplus},
             {"orphan", orphans},
             {"lost", lost},
             {"disputed", disputed},
             {"unreadable", stops},
             {"index", index}}};
  }
  [[nodiscard]] uint64_t findings() const noexcept {
    return bad + missing + stale + surplus + orphans + lost + disputed + stops + index;
  }
};

}  // namespace strata::replica
