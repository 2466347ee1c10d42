// What is on a drive, described for people: identity, records, blob files. Reads only, and trusts
// nothing: damage is described, never followed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/description.h"
#include "common/io/file_system.h"
#include "objstore/drive/index.h"
#include "objstore/drive/record_format.h"

namespace strata::drive {

// The identity file's lines, and whether parse_identity takes them.
[[nodiscard]] Description describe_identity(std::string_view text);

// A record as it stands in one of the index's tables.
struct RecordDescription {
  Description description;
  // What --key compares: a blob's id in hex, a sequence in decimal, a name; a row's key as it is.
  std::string label;
  std::optional<std::string> row_value;  // of a good row; its meaning is the object room's
};
[[nodiscard]] RecordDescription describe_record(RecordSeed seed, Table table, std::string_view key,
                                                std::string_view record);

// A blob's file, every block of it. Without a seed the checksums are not verified. `expected`: what
// the index says of it. An error only if the file cannot be read at all.
[[nodiscard]] Result<Description> describe_blob_file(io::FileSystem& files, const std::string& path,
                                                     std::optional<RecordSeed> seed,
                                                     std::optional<BlobName> expected);

// What a file of RocksDB is, by its name; nullopt: not one.
[[nodiscard]] std::optional<std::string_view> index_file_kind(std::string_view name);

}  // namespace strata::drive
