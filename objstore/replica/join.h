// Join: makes one drive hold what it is to hold, while the store serves.
//
// The drive is given every change from before the join begins, so there is a sequence S0 behind
// which it misses nothing. All that has ended up to S0 is then compared, key by key, with the
// drives that serve, in steps:
//   - a row or blob that the drive lacks, or has from before S0 in another version, is copied,
//     unless a change since S0 deleted it here (the drive remembers those in kGone);
//   - one that it has from before S0 and that nobody else has is removed.
// Whatever a change since S0 wrote is left alone: the stream of changes ends with the truth. What
// is compared and written is decided on the drive's own writing thread, between changes. A join
// that is cut short begins again, and finds most of it done.
//
// Thread rule: one thread at a time, one that may block; percent() from any thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "objstore/replica/core.h"

namespace strata::replica {

// One step looks at this many keys at most, and copies at most about so many bytes of small things
// or one blob's file.
inline constexpr size_t kJoinKeysMax = 4096;
inline constexpr size_t kJoinBytesMax = 1 * kMiB;
inline constexpr size_t kJoinItemsMax = 512;

class Join {
 public:
  // for_next: for what the drive is to hold after the move under way, else for what it holds now.
  // The view gives it the changes already. The drive remembers what is deleted from now on.
  [[nodiscard]] static Result<std::unique_ptr<Join>> begin(Core& core, size_t seat, bool for_next);

  struct Stepped {
    bool complete = false;
    uint64_t bytes = 0;
  };
  // kIo when the drive, or too many of the others, are out of service.
  [[nodiscard]] Result<Stepped> step();

  [[nodiscard]] size_t seat() const noexcept { return seat_; }
  // Changes up to this one may be missing in the drive's log.
  [[nodiscard]] uint64_t begun_at() const noexcept { return begun_at_; }
  [[nodiscard]] uint32_t percent() const noexcept { return percent_.load(); }
  [[nodiscard]] uint64_t changed() const noexcept { return changed_.load(); }

 private:
  // What is to become of one key.
  struct Item {
    std::string key;
    std::string record;  // as on the drives that serve; empty: nobody has it
    std::string small;   // the record in kData of a blob that lives in the index
    drive::BlobName blob;
    bool has_file = false;  // its file has been copied
  };
  // One key as it is on every drive that was asked.
  struct Seen;
  struct Apply;

  Join(Core& core, size_t seat, bool for_next, uint64_t begun_at)
      : core_(core), seat_(seat), for_next_(for_next), begun_at_(begun_at) {}
  [[nodiscard]] Result<std::vector<size_t>> sources() const;
  [[nodiscard]] bool wants(uint64_t placement) const;
  // The next keys that differ; leaves from_ behind the last one looked at.
  [[nodiscard]] Result<std::vector<Seen>> gather(const std::vector<size_t>& sources);
  [[nodiscard]] Status decide_row(const Seen& seen, std::vector<Item>& items) const;
  [[nodiscard]] Status decide_blob(const Seen& seen, std::vector<Item>& items);
  [[nodiscard]] Status copy_blob(const drive::BlobName& blob, const std::vector<size_t>& from,
                                 Item& item);
  [[nodiscard]] Status apply(std::vector<Item> items);
  void note_progress(const std::vector<size_t>& sources);

  Core& core_;
  const size_t seat_;
  const bool for_next_;
  const uint64_t begun_at_;
  drive::Table table_ = drive::Table::kBlobs;
  std::string from_;  // the first key not looked at yet
  bool table_done_ = false;
  uint64_t bytes_ = 0;  // read and written in this step
  uint64_t keys_seen_ = 0;
  std::atomic<uint32_t> percent_{0};
  std::atomic<uint64_t> changed_{0};
};

}  // namespace strata::replica
