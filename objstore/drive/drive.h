// Drive: one directory that holds an index and blob files, and knows whether it can be trusted.
//
// Invariants
//   1. Only one process has the drive open, and the drive is who its identity file says.
//   2. After a write or flush that failed the drive is out of service for the rest of its life in
//      this process: nothing is written to it or read from it any more.
//   3. What the log holds is a prefix of the changes meant for this drive, and its rows and blobs
//      are what these changes made.
//
// Thread rule: every method from any thread, except where it says otherwise. Calls may block unless
// they say that they do not.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common/base/deadline.h"
#include "objstore/drive/blob_check.h"
#include "objstore/drive/blob_copy.h"
#include "objstore/drive/blob_file.h"
#include "objstore/drive/committer.h"
#include "objstore/drive/identity.h"
#include "objstore/drive/index.h"
#include "objstore/drive/index_check.h"
#include "objstore/drive/reclaimer.h"
#include "objstore/drive/record_format.h"

namespace strata::drive {

// Room that stays free for deletes, metadata and the merging of the index: the smaller of this much
// and this part of the capacity.
inline constexpr uint64_t kReserveBytes = kGiB;
inline constexpr uint64_t kReserveDivisor = 16;
// What may be let through before the free space is asked again: this part of the reserve.
inline constexpr uint64_t kPromisedDivisor = 8;
// With less than this many reserves free, the space of what was dropped is asked for at once.
inline constexpr uint64_t kLowSpaceReserves = 4;
// After so many small blobs were dropped, their garbage is looked at.
inline constexpr uint64_t kDropsPerLook = 16'384;
// Dropped blobs that wait to be freed; what comes beyond that is freed at the next start.
inline constexpr size_t kFreeWaitingMax = 65'536;
// How old the known free space may be.
inline constexpr Duration kSpaceAge = std::chrono::milliseconds(200);

// How long a drive may take to answer before it is taken out of service.
inline constexpr Duration kDriveAnswerMax = std::chrono::seconds(30);
// Why it went: for take_out.
[[nodiscard]] std::string unanswered(Duration waited);

// What a directory holds, before it is opened.
struct DriveFolder {
  std::unique_ptr<io::FileLock> lock;
  std::optional<Identity> identity;  // absent: the folder is empty
};
// Makes the folder if it is missing and locks it. kConflict when somebody has it open; kUnsupported
// or kCorrupt for an identity that this program must not touch; kInvalidArgument for a folder with
// other things in it.
[[nodiscard]] Result<DriveFolder> look_at_folder(io::FileSystem& files, const std::string& path);
// Whether the index was found damaged (Drive::note_index_damage).
[[nodiscard]] bool is_index_damaged(io::FileSystem& files, const std::string& path);
// Puts the index aside, so that the drive opens as one that holds nothing. For a drive whose folder
// is locked, and that others can fill.
[[nodiscard]] Status discard_index(io::FileSystem& files, const std::string& path);
inline constexpr std::string_view kIndexFolder = "index";
inline constexpr std::string_view kIndexDamagedName = "index.damaged";

class Drive {
 public:
  struct Setup {
    io::FileSystem& files;
    std::string path;
    IndexCache& cache;
    size_t tag = 0;  // its number, given back in PendingChange::ended
    std::unique_ptr<io::FileLock> lock;
    Identity identity;
    Durability durability = Durability::kStrict;
  };
  // Opens the index, frees what was dropped, removes blob files that no record owns.
  [[nodiscard]] static Result<std::unique_ptr<Drive>> open(Setup setup);
  ~Drive();
  Drive(const Drive&) = delete;
  Drive& operator=(const Drive&) = delete;

  [[nodiscard]] const Identity& identity() const noexcept { return setup_.identity; }
  [[nodiscard]] const std::string& path() const noexcept { return setup_.path; }
  [[nodiscard]] RecordSeed seed() const noexcept { return seed_; }
  [[nodiscard]] io::FileSystem& files() const noexcept { return setup_.files; }

  // Health: never blocks.
  [[nodiscard]] bool in_service() const noexcept { return !out_.load(std::memory_order_acquire); }
  [[nodiscard]] Status health() const;
  void take_out(const std::string& reason) { leave(reason, false); }
  // Takes the drive out when its folder is not there any more, as when its disk was unmounted or
  // the folder moved. May block.
  void look_for_folder();
  // Whether it is out because its folder was gone: then it did not fail, and what it was told to
  // flush is where the folder is.
  [[nodiscard]] bool is_missing() const noexcept { return missing_.load(); }
  // For an error with kReasonIndexDamaged: leaves a mark on the drive, once, so that the next start
  // makes the index anew from the other drives. Other errors are passed over. May block.
  void note_index_damage(const Error& error);

  // Rows and small blobs. kCorrupt: the copy here is bad. kIo: it cannot be read.
  struct RowFound {
    bool would_block = false;
    std::optional<RowRecord> row;
  };
  [[nodiscard]] Result<RowFound> get_row(std::string_view key, Tier tier) const;
  struct SmallFound {
    bool would_block = false;
    ByteVector bytes;
  };
  [[nodiscard]] Result<SmallFound> get_small(const BlobName& blob, Tier tier) const;
  [[nodiscard]] Result<std::optional<BlobRecord>> blob_record(const Id128& id) const;

  // Blob files.
  [[nodiscard]] Result<BlobFileWriter> create_blob(const Id128& id,
                                                   std::optional<uint64_t> expected_bytes);
  [[nodiscard]] Result<BlobFileReader> open_blob(const BlobName& blob) const;
  // For checking all of the blob's file, from the medium.
  [[nodiscard]] Result<BlobFileCheck> check_blob(const BlobName& blob) const;
  // What lies in one of the 256 folders of blob files.
  struct BlobEntry {
    std::string name;
    std::optional<Id128> id;  // of a blob; absent: the remains of a rewrite
  };
  [[nodiscard]] Result<std::vector<BlobEntry>> list_blobs(uint8_t folder) const;
  // When the entry's file was last written: wall time, milliseconds since 1970.
  [[nodiscard]] Result<int64_t> blob_modified_ms(uint8_t folder, const std::string& name) const;
  [[nodiscard]] Status remove_blob_entry(uint8_t folder, const std::string& name);
  // A file that no record owns; missing is fine.
  void remove_blob_file(const Id128& id);
  // The same for one of the index's files.
  [[nodiscard]] Result<IndexFileCheck> check_index_file(const IndexFile& file) const;
  // A copy of the blob, to be made or made anew in steps: kNoSpace when there is no room for it.
  [[nodiscard]] Result<BlobCopy> begin_copy(const BlobName& blob);
  // Replaces the blob's file by a copy that `from` supplies and that is verified on the way.
  [[nodiscard]] Status rewrite_blob(const BlobName& blob, BlobFileReader& from);

  // kNoSpace when that many more bytes would touch the reserve.
  [[nodiscard]] Status check_space(uint64_t more_bytes);
  [[nodiscard]] io::Space space();

  [[nodiscard]] Committer& committer() noexcept { return *committer_; }
  // Only before the first submit, by one thread, or from a task on the committer's thread.
  [[nodiscard]] Index& index() noexcept { return *index_; }
  // For reading: any thread.
  [[nodiscard]] const Index& index() const noexcept { return *index_; }
  // Frees the bytes of blobs that were dropped, by changes that have ended. Files go at once, or,
  // if these changes are not flushed (Durability::kRelaxed), when they have been; what lies in the
  // index goes on the committer's thread, all that waits in one write, and without files the call
  // does not block. Not on the committer's thread.
  void free_dropped(const std::vector<BlobName>& blobs);

  // The last sequence in the log and what that entry says was agreed; both 0 for an empty log.
  struct Position {
    uint64_t sequence = 0;
    uint64_t agreed = 0;
  };
  [[nodiscard]] Result<Position> position() const;
  // Entries after `after`, in order; stops early when the function returns an error.
  [[nodiscard]] Status read_log(uint64_t after,
                                const std::function<Status(const LogRecord&)>& each) const;
  // Log entries up to this one may be missing.
  [[nodiscard]] Result<uint64_t> stored_log_start() const;
  // Set while the drive is being filled from others: what it holds is not yet a state of its own.
  [[nodiscard]] Result<bool> filling() const;
  // Marks under a name, in kMeta: flushed; on the committer's thread or before the first submit.
  [[nodiscard]] Status set_mark(std::string_view name, bool on);
  [[nodiscard]] Result<bool> has_mark(std::string_view name) const;
  // Reads a little from the medium, past the page cache.
  [[nodiscard]] Status probe() const;
  // Who it is now; flushed. By one thread at a time, which nobody reads identity() beside.
  [[nodiscard]] Status change_identity(const Identity& identity);
  // Compares the files of the identity with what they should be: how many were damaged, and have
  // been written anew.
  [[nodiscard]] Result<uint32_t> check_identity();
  // The same, when the drive was opened; the note of the log's start counts too.
  [[nodiscard]] uint32_t repaired_at_open() const noexcept { return repaired_at_open_; }
  // Takes the drive out and lets go of its folder, so that it can be unmounted or opened anew. What
  // is asked of it afterwards fails. kBusy when something under way has not ended by the deadline.
  [[nodiscard]] Status close(const std::string& reason, Deadline deadline);

  // Writes, flushed; a failure takes the drive out. Only before the first submit.
  [[nodiscard]] Status write_now(Batch& batch);

  // A failure of a write on this drive, from wherever: out of service unless it is kNoSpace or
  // kBusy (too many open files), which say nothing of the drive.
  Error write_failed(const Error& error);

 private:
  Drive(Setup setup);
  [[nodiscard]] Status finish_open();
  void leave(const std::string& reason, bool missing);
  [[nodiscard]] bool is_folder_gone() const;
  [[nodiscard]] Result<uint64_t> repair_log_start();
  [[nodiscard]] Status sweep();
  [[nodiscard]] Status free_leftovers();
  void free_waiting(Index& index);
  [[nodiscard]] std::string blob_path(const Id128& id) const;
  [[nodiscard]] std::string blob_folder(uint8_t folder) const;
  [[nodiscard]] Status make_blob_folder(const Id128& id);
  [[nodiscard]] bool free_files(const std::vector<BlobName>& blobs);
  void reclaim_if_worth(const io::Space& now);
  [[nodiscard]] uint64_t room_beyond_reserve();

  Setup setup_;
  std::mutex identity_mutex_;  // held while the files of the identity are written
  uint32_t repaired_at_open_ = 0;
  RecordSeed seed_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Reclaimer> reclaimer_;
  std::atomic<uint64_t> dropped_small_{0};  // since space was last reclaimed
  std::atomic<bool> out_{false};
  std::atomic<bool> missing_{false};
  std::atomic<bool> damage_noted_{false};
  mutable std::mutex mutex_;
  std::string reason_;             // guarded by mutex_
  std::set<std::string> folders_;  // guarded by mutex_: blob folders known to be flushed
  io::Space space_;                // guarded by mutex_
  SteadyTime space_at_{};          // guarded by mutex_
  uint64_t promised_since_ = 0;    // guarded by mutex_: bytes let through since space_at_
  // Guarded by mutex_; while it is not empty a task for it waits at the committer.
  std::vector<BlobName> to_free_;
};

// Marks. filling: the drive is being filled, what it holds is no state of its own. strays: there
// may be rows and blobs whose placement is not this drive's.
inline constexpr std::string_view kFillingName = "filling";
inline constexpr std::string_view kStraysName = "strays";

}  // namespace strata::drive
