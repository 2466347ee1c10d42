#include "objstore/object/listing_walk.h"

#include <algorithm>

#include "common/base/check.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/types.h"

namespace strata::object {
namespace {

// Not UTF-8, so greater than the first byte of any key.
constexpr std::string_view kPastEveryKey = "\xff";

// No key holds a NUL or more than kKeyBytesMax bytes, so a cut name has the same keys after it.
std::string_view cut_to_key(std::string_view name) {
  return name.substr(0, std::min({name.find('\0'), name.size(), kKeyBytesMax}));
}

bool can_begin_a_key(std::string_view prefix) {
  return prefix.size() <= kKeyBytesMax && prefix.find('\0') == std::string_view::npos;
}

}  // namespace

std::string listing_start(std::string_view prefix, std::string_view delimiter,
                          std::string_view after) {
  after = cut_to_key(after);
  if (after.empty() || after < prefix) return std::string(prefix);
  if (!delimiter.empty() && after.starts_with(prefix)) {
    const size_t found = after.find(delimiter, prefix.size());
    if (found != std::string_view::npos) {
      std::string end = rows::prefix_end(std::string(after.substr(0, found + delimiter.size())));
      return end.empty() ? std::string(kPastEveryKey) : end;
    }
  }
  // A row name goes on with NUL after its key: this is past all rows of `after` itself, and before
  // all longer keys.
  return std::string(after) + '\x01';
}

ListingWalk::ListingWalk(replica::Store& store, std::string head, std::string prefix,
                         std::string delimiter, std::string_view start, size_t entries_hint,
                         Counts counts)
    : store_(store),
      head_(std::move(head)),
      prefix_(std::move(prefix)),
      delimiter_(std::move(delimiter)),
      from_(head_),
      to_(rows::prefix_end(head_ + prefix_)),
      counts_(counts),
      rows_wanted_(std::clamp(entries_hint, kRowsMin, delimiter_.empty() ? kRowsMax : 64)) {
  CHECK(!head_.empty());
  from_ += start;
  if (!can_begin_a_key(prefix_)) at_end_ = true;
}

async::Task<Status> ListingWalk::fetch() {
  if (!batch_.empty()) {
    // A batch that was mostly passed over makes the next one smaller.
    rows_wanted_ = passed_over_ * 2 > batch_.size() ? std::max(rows_wanted_ / 2, kRowsMin)
                                                    : std::min(rows_wanted_ * 2, kRowsMax);
  }
  batch_.clear();
  at_ = 0;
  passed_over_ = 0;
  if (at_end_ || from_ >= to_) {
    at_end_ = true;
    co_return Status();
  }
  replica::ScanRequest request;
  request.from = from_;
  request.to = to_;
  request.rows_max = rows_wanted_;
  CO_TRY_ASSIGN(batch_, co_await store_.scan(std::move(request)));
  if (batch_.size() < rows_wanted_) at_end_ = true;
  co_return Status();
}

std::optional<std::string> ListingWalk::common_prefix_of(std::string_view key) const {
  if (delimiter_.empty()) return std::nullopt;
  const size_t found = key.find(delimiter_, prefix_.size());
  if (found == std::string_view::npos) return std::nullopt;
  return std::string(key.substr(0, found + delimiter_.size()));
}

async::Task<Result<std::optional<ListingWalk::Entry>>> ListingWalk::next() {
  while (true) {
    if (at_ == batch_.size()) {
      if (at_end_) co_return std::optional<Entry>();
      CO_TRY(co_await fetch());
      continue;
    }
    replica::Row& row = batch_[at_++];
    if (row.key < from_) {
      ++passed_over_;
      continue;
    }
    Entry entry;
    entry.name = rows::key_of_tail(tail(row));
    if (std::optional<std::string> rolled_up = common_prefix_of(entry.name)) {
      if (counts_ != nullptr) {
        CO_TRY_ASSIGN(const bool counts, counts_(row));
        if (!counts) {
          from_ = row.key + '\0';
          continue;
        }
      }
      entry.is_common_prefix = true;
      entry.name = std::move(*rolled_up);
      from_ = rows::prefix_end(head_ + entry.name);
    } else {
      from_ = row.key + '\0';
      entry.row = std::move(row);
    }
    co_return std::optional<Entry>(std::move(entry));
  }
}

}  // namespace strata::object
