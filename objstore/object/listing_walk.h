// Walking over the rows of a bucket in key order, with everything under a delimiter rolled up.
//
// An entry is a key, or a common prefix: the text up to and including the first delimiter after
// the listing's prefix. Entries come in byte order of their names, and a common prefix once: the
// walk seeks past what is under it instead of reading it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/task.h"
#include "objstore/replica/store.h"

namespace strata::object {

// Where, among row names without their head, a listing goes on whose last entry was `after`: an
// entry is passed over if its name is not greater. So an `after` inside a common prefix passes over
// that prefix too, which makes any entry's name fit to continue from.
[[nodiscard]] std::string listing_start(std::string_view prefix, std::string_view delimiter,
                                        std::string_view after);

class ListingWalk {
 public:
  struct Entry {
    bool is_common_prefix = false;
    std::string name;  // the key, or the common prefix
    replica::Row row;  // of a key
  };

  // Whether a row counts: where one does not, no common prefix is made of it.
  using Counts = Result<bool> (*)(const replica::Row& row);

  // head: what every row of the walk begins with. start: see listing_start. The store outlives
  // this. entries_hint: how many will probably be wanted. counts: null if all rows do.
  ListingWalk(replica::Store& store, std::string head, std::string prefix, std::string delimiter,
              std::string_view start, size_t entries_hint, Counts counts = nullptr);

  // The next entry, or nothing at the end. The row name past its head is tail(entry.row).
  [[nodiscard]] async::Task<Result<std::optional<Entry>>> next();
  [[nodiscard]] std::string_view tail(const replica::Row& row) const noexcept {
    return std::string_view(row.key).substr(head_.size());
  }

 private:
  [[nodiscard]] async::Task<Status> fetch();
  [[nodiscard]] std::optional<std::string> common_prefix_of(std::string_view key) const;

  static constexpr size_t kRowsMin = 16;
  static constexpr size_t kRowsMax = 1000;

  replica::Store& store_;
  std::string head_;
  std::string prefix_;
  std::string delimiter_;
  std::string from_;  // rows below it have been passed
  std::string to_;    // exclusive end
  std::vector<replica::Row> batch_;
  size_t at_ = 0;           // the next row of the batch
  size_t passed_over_ = 0;  // rows of the batch that were read for nothing
  Counts counts_;
  size_t rows_wanted_;
  bool at_end_ = false;  // nothing after this batch
};

}  // namespace strata::object
