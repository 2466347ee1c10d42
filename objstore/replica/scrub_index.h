// The scrub's last part: what belongs to no record. The files of each drive's index, whole, and the
// files that say who the drive is.
//
// A damaged file of an index cannot be replaced while it is in use: the drive is marked, and its
// index is made anew from the other drives at the next start. Reads that meet the damage meanwhile
// are served by others.
//
// Thread rule: one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "objstore/replica/core.h"
#include "objstore/replica/scrub_counts.h"

namespace strata::replica {

class IndexVerifier {
 public:
  IndexVerifier(Core& core, std::shared_ptr<ScrubCounts> counts)
      : core_(core), counts_(std::move(counts)) {}

  // The first thing on any of the drives whose name is not before `from`, or a piece of it. Gives
  // the name of what comes next: `from` again while a file is under way; nullopt at the end.
  [[nodiscard]] std::optional<std::string> step(const std::vector<size_t>& drives,
                                                const std::string& from);
  [[nodiscard]] bool file_under_way() const noexcept { return work_.has_value(); }
  // Read since it was last asked.
  [[nodiscard]] uint64_t take_bytes() { return std::exchange(bytes_, 0); }

 private:
  struct Work {
    size_t member = 0;
    drive::IndexFile file;
    drive::IndexFileCheck check;
  };
  [[nodiscard]] std::string next_on(size_t member, const std::string& head,
                                    const std::string& from);
  void begin(size_t member, const drive::IndexFile& file);
  void step_file();
  void check_identity(size_t member);
  void damaged(size_t member, const Error& error, const std::string& what);

  Core& core_;
  const std::shared_ptr<ScrubCounts> counts_;
  std::optional<Work> work_;
  uint64_t bytes_ = 0;
};

}  // namespace strata::replica
