// A whole drive, looked at without a lock and without writing: beside a server that has it open,
// too. What it shows is the drive at the moment of open; what the server does meanwhile is not
// taken for damage.
//
// Thread rule: one thread at a time; every call may block.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/description.h"
#include "common/io/read_only_file_system.h"
#include "objstore/drive/identity.h"
#include "objstore/drive/index.h"
#include "objstore/drive/inspect.h"

namespace strata::drive {

class DriveInspection {
 public:
  // kNotFound: no identity file there. kCorrupt, kUnsupported: as parse_identity has it. A damaged
  // index is an error of its own.
  [[nodiscard]] static Result<std::unique_ptr<DriveInspection>> open(io::FileSystem& files,
                                                                     const std::string& path);

  [[nodiscard]] const Identity& identity() const noexcept { return identity_; }
  [[nodiscard]] RecordSeed seed() const noexcept { return seed_; }

  // Counts per table, position, log, space, blob files; every record but small blobs is decoded.
  // verify: small blobs and every block of every blob file too; `bad` gets each that is damaged.
  [[nodiscard]] Result<Description> summary(bool verify,
                                            const std::function<void(const Description&)>& bad);

  // Calls each in the order of keys, until it returns false. An error: the index cannot be read
  // any further.
  using Each = std::function<bool(std::string_view key, std::string_view record)>;
  [[nodiscard]] Status for_each(Table table, const Each& each) const;

 private:
  DriveInspection(io::FileSystem& files, std::string path);
  struct Totals;
  [[nodiscard]] Status count_table(Table table, bool verify, Totals& totals);
  [[nodiscard]] Status look_at_blob_files(bool verify, Totals& totals);
  [[nodiscard]] Status look_at_blob_folder(const std::string& folder, bool verify, Totals& totals);
  [[nodiscard]] Status find_missing(Totals& totals);
  void look_at_identity(Totals& totals);
  void verify_index(Totals& totals);
  void report(Description description, Totals& totals) const;

  io::ReadOnlyFileSystem files_;
  std::string path_;
  Identity identity_;
  RecordSeed seed_;
  IndexCache cache_;
  std::unique_ptr<Index> index_;
};

// The table of that name ("default" is called "meta" too), or nullopt.
[[nodiscard]] std::optional<Table> table_of_name(std::string_view name);
[[nodiscard]] std::string table_names();

// The cluster of the drive that a blob's file lies on, from the identity file two folders above;
// nullopt if there is none that can be read.
[[nodiscard]] std::optional<Id128> cluster_of_blob_path(io::FileSystem& files,
                                                        const std::string& path);

}  // namespace strata::drive
