// Verifying the bytes of owned blobs on every drive that owns them: small ones beside their
// records, large ones in files that are read from the medium, a MiB at a time.
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

namespace strata::replica {

class BlobVerifier {
 public:
  BlobVerifier(Core& core, std::shared_ptr<ScrubCounts> counts)
      : core_(core), counts_(std::move(counts)) {}

  // A run over blobs in the order of their ids; forgets the run before.
  void begin_run(const std::vector<size_t>& members, std::string_view from);
  // The next blob: checked now if it is small; else its files are left to step_file.
  void blob(const std::string& key);
  // No blob follows: data beyond the last one has no owner.
  void end_of_table();

  // Lets go of the indexes: the next step may be an hour away, and a drive must be free to close.
  void end_run() { walks_.clear(); }

  [[nodiscard]] bool file_under_way() const noexcept { return work_ != nullptr; }
  // Reads a piece of the file under way.
  void step_file();
  // Read since the last call.
  [[nodiscard]] uint64_t take_bytes() noexcept { return std::exchange(bytes_, 0); }

 private:
  struct DataWalk {
    size_t member;
    drive::Cursor cursor;
  };
  // One large blob on the drives that own it, one after the other.
  struct FileWork {
    FileWork();
    drive::BlobName blob;
    uint64_t placement = 0;
    std::unique_ptr<ReadPin> pin;
    std::vector<size_t> members;
    size_t at = 0;
    std::optional<drive::BlobFileCheck> check;
    std::vector<BadCopy> bad;
    size_t good = 0;
  };
  [[nodiscard]] std::optional<drive::BlobRecord> owned(size_t member, const drive::Id128& id) const;
  void small(const drive::BlobName& blob, uint64_t placement, const std::vector<size_t>& owners);
  void pass_over(DataWalk& walk, std::string_view until);
  void remove_orphan(size_t member, const std::string& key);
  void file_checked(const Status& status);
  void conclude(const drive::BlobName& blob, uint64_t placement, const std::vector<BadCopy>& bad,
                size_t good);

  Core& core_;
  std::shared_ptr<ScrubCounts> counts_;
  std::vector<DataWalk> walks_;
  std::unique_ptr<FileWork> work_;  // or null
  uint64_t bytes_ = 0;
};

}  // namespace strata::replica
