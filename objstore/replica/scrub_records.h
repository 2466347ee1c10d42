// Judging the copies of one record: which are good, which drive lacks one, what is to be done.
//
// A drive that lacks a record that another has may be right: the record was deleted. Its log says
// so if it reaches back far enough. Without a log that says anything a record that at least half of
// its drives have is copied to the others; fewer are reported and left as they are.
//
// Thread rule: one thread, which may block.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "objstore/replica/core.h"
#include "objstore/replica/healer.h"
#include "objstore/replica/scrub_counts.h"
#include "objstore/replica/union_walk.h"

namespace strata::replica {

class RecordJudge {
 public:
  RecordJudge(Core& core, std::shared_ptr<ScrubCounts> counts)
      : core_(core), counts_(std::move(counts)) {}

  // Each gets every drive's copy as a walk found it, repairs what it can and counts.
  void row(const std::string& key, const std::vector<HeldCopy>& copies);
  void blob(const std::string& key, const std::vector<HeldCopy>& copies);
  void log_entry(const std::string& key, const std::vector<HeldCopy>& copies);
  void dropped(const std::string& key, const std::vector<HeldCopy>& copies);
  void note(const std::string& name, const std::vector<HeldCopy>& copies);

 private:
  // What a row's or a blob's record says of itself.
  struct Facts {
    uint64_t sequence = 0;
    uint64_t placement = 0;
  };
  // A copy on a drive that should have one.
  struct Judged {
    size_t member = 0;
    std::string raw;             // raw_record
    std::optional<Facts> facts;  // of a good copy
    std::optional<Error> error;  // of a bad one; neither: there is none
  };
  [[nodiscard]] Result<Facts> facts_of(drive::Table table, std::string_view key,
                                       std::string_view record) const;
  [[nodiscard]] Judged read(size_t member, drive::Table table, const std::string& key) const;
  void owned(drive::Table table, const std::string& key, const std::vector<HeldCopy>& copies);
  void settle(drive::Table table, const std::string& key, uint64_t placement);
  void settle_missing(drive::Table table, const std::string& key, const std::vector<Judged>& all,
                      const Judged& truth, uint64_t judged_at);
  void put(drive::Table table, const std::string& key, const Judged& target, const Judged& truth,
           uint64_t judged_at);
  void copy_blob(const std::string& key, size_t target, const Judged& truth, uint64_t judged_at);
  // The copies that do not decode; `decode` gives a status for a record.
  template <typename Decode>
  [[nodiscard]] std::vector<BadCopy> bad_of(const std::vector<HeldCopy>& copies, Decode decode);
  void repair_from(drive::Table table, const std::string& key, const std::vector<BadCopy>& bad,
                   const std::optional<std::string>& good, std::string_view kind);

  Core& core_;
  std::shared_ptr<ScrubCounts> counts_;
};

// Does the repair, and counts and logs how it went.
void repair_and_count(Core& core, ScrubCounts& counts, struct RecordRepair repair,
                      std::string_view kind);

}  // namespace strata::replica
