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
// Of a drive that was away for a while, and whose own state is whole, only the keys are compared
// that the logs of changes name since then, if all logs reach back so far (changed_keys.h).
//
// Thread rule: one thread at a time, one that may block; percent() from any thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "objstore/replica/changed_keys.h"
#include "objstore/replica/core.h"

namespace strata::replica {

// One step looks at this many keys at most, and copies at most about so many bytes of small things
// or of one blob's file.
inline constexpr size_t kJoinKeysMax = 4096;
inline constexpr size_t kJoinBytesMax = 1 * kMiB;
inline constexpr size_t kJoinFileBytesMax = 16 * kMiB;
inline constexpr size_t kJoinItemsMax = 512;

class Join {
 public:
  // for_next: for what the drive is to hold after the move under way, else for what it holds now.
  // The view gives it the changes already. The drive remembers what is deleted from now on.
  // agreed: up to which change the drive has a state of its own that agrees with the others'.
  [[nodiscard]] static Result<std::unique_ptr<Join>> begin(
      Core& core, size_t seat, bool for_next, std::optional<uint64_t> agreed = std::nullopt);

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
  [[nodiscard]] uint64_t compared() const noexcept { return keys_seen_; }

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
  // A blob's file on its way.
  struct Copying {
    struct Source {
      size_t seat;
      drive::BlobFileReader reader;
    };
    Item item;
    uint64_t number = 0;          // of keys seen before it
    std::vector<Source> sources;  // the first one supplies
    size_t failures = 0;          // of one source after another at the same block
    std::optional<drive::BlobCopy> copy;
  };

  Join(Core& core, size_t seat, bool for_next, uint64_t begun_at, std::optional<uint64_t> agreed);
  [[nodiscard]] Result<std::vector<size_t>> sources() const;
  [[nodiscard]] bool wants(uint64_t placement) const;
  // The next keys that differ; leaves from_ behind the last one looked at.
  [[nodiscard]] Result<std::vector<Seen>> gather(const std::vector<size_t>& sources);
  [[nodiscard]] Result<std::vector<Seen>> gather_changed(const std::vector<size_t>& sources);
  // Once, before the first key.
  [[nodiscard]] Status read_logs(const std::vector<size_t>& sources);
  [[nodiscard]] Status decide_row(const Seen& seen, std::vector<Item>& items) const;
  [[nodiscard]] Status decide_blob(const Seen& seen, std::vector<Item>& items);
  // kBusy when there are too many open files for it.
  [[nodiscard]] Status begin_file(Item item, uint64_t number, const std::vector<size_t>& from);
  void copy_small(const std::vector<size_t>& from, Item& item);
  // The file under way comes one piece further; true when the item is to be applied.
  [[nodiscard]] Result<bool> copy_on();
  [[nodiscard]] Result<Stepped> step_of_copy();
  [[nodiscard]] Result<Stepped> step_of_keys();
  void report_bad_source(size_t source, const drive::BlobName& blob, const Error& error) const;
  [[nodiscard]] Status apply(std::vector<Item> items);
  void note_progress(const std::vector<size_t>& sources);

  Core& core_;
  const size_t seat_;
  const bool for_next_;
  const uint64_t begun_at_;
  std::optional<uint64_t> agreed_;      // null when the logs have been read, or say nothing
  std::optional<ChangedKeys> changes_;  // only these keys are compared; null: all
  drive::Table table_ = drive::Table::kBlobs;
  std::string from_;  // the first key not looked at yet
  bool table_done_ = false;
  std::unique_ptr<Copying> copying_;  // null when no file is under way
  uint64_t bytes_ = 0;                // read and written in this step
  uint64_t keys_seen_ = 0;
  std::atomic<uint32_t> percent_{0};
  std::atomic<uint64_t> changed_{0};
};

}  // namespace strata::replica
