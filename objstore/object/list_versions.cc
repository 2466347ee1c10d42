// list_versions: a page of a bucket's versions and delete markers, by key, the newest first.
#include <algorithm>

#include "objstore/object/listing_walk.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"
#include "objstore/object/version_id.h"

namespace strata::object {
namespace {

// A deletion that came in between may hide a version from both scans: then the page is read again,
// and after that it is what it is.
constexpr int kAttempts = 5;
constexpr size_t kRowsMin = 16;
constexpr size_t kRowsMax = 1000;

// The rows of versions that are not current, key after key: scans go over many keys at once, since
// most have none.
class OlderVersions {
 public:
  OlderVersions(replica::Store& store, std::string to, size_t rows_wanted)
      : store_(store),
        to_(std::move(to)),
        rows_wanted_(std::clamp(rows_wanted, kRowsMin, kRowsMax)) {}

  // The next row from `from` on that begins with `head`, or null. Both ascend from call to call.
  // The row lives until the next call.
  async::Task<Result<replica::Row*>> next(std::string head, std::string from) {
    for (;;) {
      while (at_ < batch_.size() && batch_[at_].key < from) ++at_;
      if (at_ < batch_.size()) {
        replica::Row* const row = &batch_[at_];
        if (!row->key.starts_with(head)) co_return nullptr;
        ++at_;
        co_return row;
      }
      if (at_end_) co_return nullptr;
      CO_TRY(co_await fetch(from));
    }
  }

 private:
  async::Task<Status> fetch(const std::string& from) {
    replica::ScanRequest request;
    request.from = batch_.empty() ? from : std::max(batch_.back().key + '\0', from);
    request.to = to_;
    request.rows_max = rows_wanted_;
    batch_.clear();
    at_ = 0;
    if (request.from < request.to) {
      CO_TRY_ASSIGN(batch_, co_await store_.scan(std::move(request)));
    }
    at_end_ = batch_.size() < rows_wanted_;
    co_return Status();
  }

  replica::Store& store_;
  std::string to_;
  size_t rows_wanted_;
  std::vector<replica::Row> batch_;
  size_t at_ = 0;
  bool at_end_ = false;
};

// One attempt at a page. What it is given outlives it.
class VersionsPage {
 public:
  // after: with the key marker, the stamp of the version to go on behind.
  VersionsPage(replica::Store& store, const ListVersionsRequest& request,
               std::optional<replica::Sequence> after, size_t entries_max)
      : store_(store),
        request_(request),
        after_(after),
        entries_max_(entries_max),
        older_(store, rows::prefix_end(rows::versions_head(request.bucket)), entries_max + 1) {}

  async::Task<Result<ListVersionsPage>> read() {
    CO_TRY(co_await read_keys());
    for (ListingWalk::Entry& key : keys_) {
      if (full()) break;
      if (!key.is_common_prefix) {
        CO_TRY(co_await add_key(key));
        continue;
      }
      last_key_ = key.name;
      last_version_.clear();
      page_.common_prefixes.push_back(std::move(key.name));
    }
    co_return std::move(page_);
  }

 private:
  // Whether there is more than the page may hold: called when there is one more.
  bool full() {
    if (page_.versions.size() + page_.common_prefixes.size() < entries_max_) return false;
    page_.truncated = true;
    page_.next_key_marker = last_key_;
    page_.next_version_id_marker = last_version_;
    return true;
  }

  // The keys and common prefixes of the page, and one more, from the rows of current versions. All
  // of them before the first row of an older version: a version that is replaced meanwhile is then
  // seen in either place, or in both.
  async::Task<Status> read_keys() {
    std::string from = listing_start(request_.prefix, request_.delimiter, request_.key_marker);
    if (after_ && from == request_.key_marker + '\x01') from = request_.key_marker;
    ListingWalk walk(store_, rows::objects_head(request_.bucket), request_.prefix,
                     request_.delimiter, from, entries_max_ + 1);
    // The key of the marker may have nothing left to list.
    const size_t keys_max = entries_max_ + (after_ ? 2 : 1);
    while (keys_.size() < keys_max) {
      CO_TRY_ASSIGN(std::optional<ListingWalk::Entry> entry, co_await walk.next());
      if (!entry) break;
      keys_.push_back(std::move(*entry));
    }
    co_return Status();
  }

  async::Task<Status> add_key(const ListingWalk::Entry& key) {
    CO_TRY_ASSIGN(ObjectRecord current, decode_object(key.row.value, ObjectDepth::kSummary));
    const replica::Sequence newest = current.stamp;
    const bool goes_on = after_ && key.name == request_.key_marker;
    if (!goes_on || newest < *after_) add(key.name, std::move(current), true);
    const std::string head = rows::versions_head(request_.bucket, key.name);
    std::string from = head;
    if (goes_on) from = rows::version(request_.bucket, key.name, *after_) + '\0';
    for (;;) {
      CO_TRY_ASSIGN(const replica::Row* const row, co_await older_.next(head, from));
      if (row == nullptr) co_return Status();
      CO_TRY_ASSIGN(ObjectRecord record, decode_object(row->value, ObjectDepth::kSummary));
      if (record.stamp >= newest) continue;  // it was current a moment ago, and is listed
      if (full()) co_return Status();
      add(key.name, std::move(record), false);
    }
  }

  void add(const std::string& key, ObjectRecord record, bool latest) {
    last_key_ = key;
    last_version_ = record.version_id;
    page_.versions.push_back({record.take_info(key), latest});
  }

  replica::Store& store_;
  const ListVersionsRequest& request_;
  const std::optional<replica::Sequence> after_;
  const size_t entries_max_;
  OlderVersions older_;
  std::vector<ListingWalk::Entry> keys_;
  ListVersionsPage page_;
  std::string last_key_;
  std::string last_version_;
};

}  // namespace

async::Task<Result<std::optional<replica::Sequence>>> ObjectStore::Impl::stamp_of_marker(
    const ListVersionsRequest& request) {
  using Stamp = std::optional<replica::Sequence>;
  if (request.version_id_marker.empty()) co_return Stamp();
  if (request.key_marker.empty()) {
    co_return Error(Code::kInvalidArgument,
                    "A version-id marker cannot be specified without a key marker.");
  }
  if (request.version_id_marker != kNullVersion) {
    const Stamp stamp = stamp_of_version_id(request.version_id_marker);
    if (!stamp) co_return invalid_version_id();
    co_return stamp;
  }
  CO_TRY(check_key(request.key_marker));
  CO_TRY_ASSIGN(const std::optional<ObjectRecord> current,
                co_await read_current(request.bucket, request.key_marker));
  if (!current) co_return Stamp();
  co_return current->version_id == kNullVersion ? current->stamp : current->marks.null_stamp;
}

async::Task<Result<ListVersionsPage>> ObjectStore::list_versions(ListVersionsRequest request) {
  Impl& impl = *impl_;
  CO_TRY(co_await impl.buckets.find(request.bucket));
  CO_TRY_ASSIGN(const std::optional<replica::Sequence> after,
                co_await impl.stamp_of_marker(request));
  const size_t entries_max = std::min(request.versions_max, kListKeysMax);
  if (entries_max == 0) co_return ListVersionsPage();
  for (int attempt = 1;; ++attempt) {
    const uint64_t started = impl.promotions_started.load();
    const bool quiet = impl.promotions_ended.load() == started;
    VersionsPage attempted(impl.store, request, after, entries_max);
    CO_TRY_ASSIGN(ListVersionsPage page, co_await attempted.read());
    if ((quiet && impl.promotions_started.load() == started) || attempt == kAttempts) {
      co_return std::move(page);
    }
  }
}

}  // namespace strata::object
