// list: a page of a bucket's objects.
#include <algorithm>

#include "objstore/object/listing_walk.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {
namespace {

// A delete marker hides its key from this listing, and a common prefix with nothing else in it.
Result<bool> is_listed(const replica::Row& row) {
  TRY_ASSIGN(const ObjectRecord record, decode_object(row.value, ObjectDepth::kSummary));
  return !record.marks.delete_marker;
}

}  // namespace

async::Task<Result<ListPage>> ObjectStore::list(ListRequest request) {
  Impl& impl = *impl_;
  CO_TRY(co_await impl.buckets.find(request.bucket));
  const size_t entries_max = std::min(request.keys_max, kListKeysMax);
  ListPage page;
  if (entries_max == 0) co_return std::move(page);

  const std::string start = listing_start(request.prefix, request.delimiter, request.after);
  ListingWalk walk(impl.store, rows::objects_head(request.bucket), std::move(request.prefix),
                   std::move(request.delimiter), start, entries_max + 1, is_listed);
  std::string last;
  while (true) {
    CO_TRY_ASSIGN(std::optional<ListingWalk::Entry> entry, co_await walk.next());
    if (!entry) break;
    std::optional<ObjectRecord> record;
    if (!entry->is_common_prefix) {
      CO_TRY_ASSIGN(record, decode_object(entry->row.value, ObjectDepth::kSummary));
      if (record->marks.delete_marker) continue;
    }
    if (page.objects.size() + page.common_prefixes.size() == entries_max) {
      page.truncated = true;
      page.next = std::move(last);
      break;
    }
    last = entry->name;
    if (entry->is_common_prefix) {
      page.common_prefixes.push_back(std::move(entry->name));
      continue;
    }
    page.objects.push_back(record->take_info(std::move(entry->name)));
  }
  co_return std::move(page);
}

}  // namespace strata::object
