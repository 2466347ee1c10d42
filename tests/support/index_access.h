// Reaching into a drive's index behind the store's back: for tests of damage. The store is stopped
// meanwhile.
#pragma once

#include <string>

#include "objstore/drive/index.h"

namespace strata::tests {

template <typename Change>
void with_index(io::FileSystem& disk, const std::string& drive, Change change) {
  drive::IndexCache cache(kMiB);
  auto index = drive::Index::open(disk, drive + "/index", cache, [](const std::string&) {}).value();
  change(*index);
}

// Changes one bit of the record; false when there is none.
[[nodiscard]] inline bool flip_bit(drive::Index& index, drive::Table table, std::string_view key,
                                   size_t at) {
  const auto found = index.get(table, key, drive::Tier::kDisk);
  if (!found.ok() || found->value.empty()) return false;
  std::string record = found->value;
  record[at % record.size()] = static_cast<char>(record[at % record.size()] ^ 1);
  drive::Batch batch = index.batch();
  batch.put(table, key, record);
  return index.write(batch, true).ok();
}

inline void remove_record(drive::Index& index, drive::Table table, std::string_view key) {
  drive::Batch batch = index.batch();
  batch.remove(table, key);
  (void)index.write(batch, true);
}

// The keys of a table, in order.
[[nodiscard]] inline std::vector<std::string> keys_of(const drive::Index& index,
                                                      drive::Table table) {
  std::vector<std::string> keys;
  drive::Cursor cursor = index.cursor(table);
  for (cursor.seek(""); cursor.valid(); cursor.next()) keys.emplace_back(cursor.key());
  return keys;
}

}  // namespace strata::tests
