// list: a page of a bucket's objects.
#include <algorithm>

#include "objstore/object/listing_walk.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {

async::Task<Result<ListPage>> ObjectStore::list(ListRequest request) {
  Impl& impl = *impl_;
  CO_TRY(co_await impl.buckets.find(request.bucket));
  const size_t entries_max = std::min(request.keys_max, kListKeysMax);
  ListPage page;
  if (entries_max == 0) co_return std::move(page);

  const std::string start = listing_start(request.prefix, request.delimiter, request.after);
  ListingWalk walk(impl.store, rows::objects_head(request.bucket), std::move(request.prefix),
                   std::move(request.delimiter), start, entries_max + 1);
  std::string last;
  while (true) {
    CO_TRY_ASSIGN(std::optional<ListingWalk::Entry> entry, co_await walk.next());
    if (!entry) break;
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
    CO_TRY_ASSIGN(ObjectRecord record, decode_object(entry->row.value, ObjectDepth::kSummary));
    page.objects.push_back(record.take_info(std::move(entry->name)));
  }
  co_return std::move(page);
}

}  // namespace strata::object
