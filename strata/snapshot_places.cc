#include "strata/snapshot_places.h"

#include <fmt/format.h>

#include "objstore/object/object_store.h"
#include "strata/own_place.h"
#include "strata/s3_place.h"

namespace strata::roof {
namespace {

constexpr std::string_view kBucketScheme = "s3://";

using Place = std::unique_ptr<chunks::ObjectPlace>;

Result<Place> bucket_place(ObjectHalf& objects, LoopThreads& loops, const std::string& region,
                           std::string_view rest) {
  if (rest.find_first_of("?#%") != std::string_view::npos) {
    return Error(Code::kInvalidArgument,
                 "a place for snapshots is 's3://BUCKET[/PREFIX]', without other characters");
  }
  const size_t slash = rest.find('/');
  std::string bucket(rest.substr(0, slash));
  std::string prefix(slash == std::string_view::npos ? "" : rest.substr(slash + 1));
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  TRY(object::check_bucket_name(bucket));
  return make_own_place(objects.objects(), loops, std::move(bucket), std::move(prefix), region);
}

}  // namespace

snapshot::SnapshotService::MakePlace snapshot_places(ObjectHalf& objects, LoopThreads& loops,
                                                     const io::Clock& clock, std::string region) {
  return [&objects, &loops, &clock,
          region = std::move(region)](const std::string& place) -> Result<Place> {
    if (place == snapshot::kOwnPlace) {
      return make_own_place(objects.objects(), loops, kSnapshotBucket, "", region);
    }
    if (place.starts_with(kBucketScheme) && place.find('?') != std::string::npos) {
      TRY_ASSIGN(S3Endpoint endpoint, parse_s3_endpoint(place));
      TRY_ASSIGN(endpoint.keys, find_s3_keys());
      return make_s3_place(std::move(endpoint), clock);
    }
    if (place.starts_with(kBucketScheme)) {
      return bucket_place(objects, loops, region,
                          std::string_view(place).substr(kBucketScheme.size()));
    }
    return Error(Code::kInvalidArgument,
                 fmt::format("'{}' is no place for snapshots; give 's3://BUCKET[/PREFIX]', and "
                             "'?endpoint=http://HOST:PORT' for one elsewhere",
                             place));
  };
}

}  // namespace strata::roof
