// UnionWalk: one walk over a table of several drives at once, key by key, with each drive's copy.
//
// A drive whose index cannot be read at some place is asked for the other drives' keys one by one,
// until its walk works again.
//
// Thread rule: one thread; blocks. Short-lived: its cursors keep what they see from being freed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "objstore/replica/core.h"

namespace strata::replica {

// What one drive has under a key, as stored.
struct HeldCopy {
  size_t member = 0;
  std::optional<std::string> record;  // absent: the drive has none
  std::optional<Error> error;         // it could not be read
};

class UnionWalk {
 public:
  // Begins at the first key that is not less than `from`.
  UnionWalk(const Core& core, const std::vector<size_t>& members, drive::Table table,
            std::string_view from);

  // The next key that any of the drives has, or nothing at the end.
  [[nodiscard]] std::optional<std::string> next_key() const;
  // Every drive's copy of that key; moves past it.
  [[nodiscard]] std::vector<HeldCopy> take(const std::string& key);
  // Of all records taken so far.
  [[nodiscard]] uint64_t bytes() const noexcept { return bytes_; }
  // Drives whose walk stopped at damage and has not gone on since: keys that only they have may
  // have been passed over.
  [[nodiscard]] std::vector<HeldCopy> stopped() const;

 private:
  struct Walk {
    size_t member;
    drive::Cursor cursor;
    std::optional<Error> stopped;
  };
  static void look(Walk& walk);
  [[nodiscard]] HeldCopy take_from(Walk& walk, const std::string& key);

  const Core& core_;
  const drive::Table table_;
  std::vector<Walk> walks_;
  uint64_t bytes_ = 0;
};

}  // namespace strata::replica
