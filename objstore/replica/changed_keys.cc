#include "objstore/replica/changed_keys.h"

#include <algorithm>
#include <set>

namespace strata::replica {

namespace {

class Gathered {
 public:
  // False when it is too much, or a record of the log is damaged.
  [[nodiscard]] Result<bool> read(drive::Drive& drive, uint64_t agreed) {
    const Status read = drive.read_log(agreed, [this](const drive::LogRecord& entry) -> Status {
      if (is_too_much()) return {};
      for (const std::string& key : entry.rows) rows_.insert(key);
      for (const drive::BlobName& blob : entry.blobs) blobs_.insert(std::string(blob.id.key()));
      return {};
    });
    // Then all keys are compared.
    const bool damaged = !read.ok() && read.error().code == Code::kCorrupt &&
                         read.error().reason != drive::kReasonIndexDamaged;
    if (damaged) return false;
    TRY(read);
    // What was trimmed before or while it was read is missing above; this is written with it.
    TRY_ASSIGN(const uint64_t log_start, drive.stored_log_start());
    return !is_too_much() && log_start <= agreed;
  }
  [[nodiscard]] ChangedKeys keys() const {
    return {.blobs = {blobs_.begin(), blobs_.end()}, .rows = {rows_.begin(), rows_.end()}};
  }

 private:
  [[nodiscard]] bool is_too_much() const { return rows_.size() + blobs_.size() > kChangedKeysMax; }
  std::set<std::string> rows_;
  std::set<std::string> blobs_;
};

}  // namespace

Result<std::optional<ChangedKeys>> changed_keys(Core& core, size_t seat,
                                                const std::vector<size_t>& sources,
                                                uint64_t agreed) {
  Gathered gathered;
  std::vector<size_t> seats = sources;
  seats.push_back(seat);  // what only it has must go
  for (const size_t one : seats) {
    TRY_ASSIGN(const bool whole, gathered.read(core.drive(one), agreed));
    if (!whole) return std::optional<ChangedKeys>();
  }
  return std::optional<ChangedKeys>(gathered.keys());
}

}  // namespace strata::replica
