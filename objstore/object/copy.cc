// copy: the bytes of one object become another, here, without the client.
#include <fmt/format.h>

#include "common/base/parse.h"
#include "objstore/object/body_intake.h"
#include "objstore/object/body_stream.h"
#include "objstore/object/checksums.h"
#include "objstore/object/conditions.h"
#include "objstore/object/names.h"
#include "objstore/object/object_lock.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/simple_object.h"
#include "objstore/object/store_impl.h"

namespace strata::object {
namespace {

// As S3 copies: the content's description and user metadata, not where the object lives or
// redirects to.
Attributes copied_attributes(const ObjectRecord& source) {
  Attributes attributes = source.attributes;
  attributes.storage_class.clear();
  attributes.website_redirect_location.clear();
  return attributes;
}

// What is computed on the copied bytes: what was asked for, and what the source had of its parts,
// since the copy has no parts; the default where the source has nothing.
std::vector<digest::ChecksumAlgorithm> algorithms_to_compute(const CopyRequest& request,
                                                             const ObjectRecord& source) {
  if (request.checksum_algorithm) return {*request.checksum_algorithm};
  if (source.checksums.empty()) return {kDefaultChecksum};
  std::vector<digest::ChecksumAlgorithm> algorithms;
  for (const StoredChecksum& checksum : source.checksums) {
    if (checksum.composite) algorithms.push_back(checksum.algorithm);
  }
  return algorithms;
}

// Without attributes and without a checksum that the source lacks, nothing would change.
bool changes_nothing(const CopyRequest& request, const ObjectRecord& source) {
  // A copy of an older version makes it current again.
  if (request.source_version_id) return false;
  if (request.source_bucket != request.bucket || request.source_key != request.key) return false;
  if (request.attributes || request.replace_tags) return false;
  if (request.encryption || !source.extras.encryption.empty()) return false;
  if (!request.checksum_algorithm) return true;
  const StoredChecksum* had = find_checksum(source.checksums, *request.checksum_algorithm);
  return had != nullptr && !had->composite;
}

Status check_source(const CopyRequest& request, const ObjectRecord& source) {
  if (changes_nothing(request, source)) {
    return Error(Code::kInvalidArgument, reason::kCopyToItself,
                 "copying an object to itself must change its metadata, storage class, redirect "
                 "location or checksum");
  }
  if (source.size_bytes > kSinglePutBytesMax) {
    return Error(Code::kTooLarge, reason::kEntityTooLarge,
                 fmt::format("the source has {}; one copy moves at most {}: use a multipart upload",
                             format_size(source.size_bytes), format_size(kSinglePutBytesMax)));
  }
  return {};
}

}  // namespace

async::Task<Result<CopyResult>> ObjectStore::copy(CopyRequest request) {
  Impl& impl = *impl_;
  CO_TRY(check_names(request.bucket, request.key));
  if (request.attributes) CO_TRY(check_attributes(*request.attributes));
  CO_TRY(check_extras(request.extras));
  CO_TRY_ASSIGN(const BucketInfo bucket, co_await impl.buckets.find(request.bucket));
  CO_TRY(check_lock_request(bucket, impl.clock.wall_now(), request.extras));
  CO_TRY(co_await impl.check_conditions_early(request.bucket, request.key, request.conditions));

  GetRequest source_request;
  source_request.bucket = request.source_bucket;
  source_request.key = request.source_key;
  source_request.version_id = request.source_version_id;
  source_request.conditions = request.source_conditions;
  std::unique_ptr<replica::ReadPin> pin = impl.store.pin();
  Result<ObjectRecord> source = co_await impl.read_version(source_request);
  if (!source.ok()) co_return as_source_error(std::move(source).error());
  CO_TRY(check_source(request, *source));
  if (!request.replace_tags && !request.may_copy_tags && !source->extras.tags.empty()) {
    co_return Error(Code::kPermissionDenied, "Access Denied");
  }
  CO_TRY_ASSIGN(std::optional<crypto::Secret> source_key,
                impl.vault.unlock(source->extras.encryption, request.source_customer_key,
                                  request.source_bucket, request.source_key));

  IntakePlan plan;
  plan.placement = rows::placement(request.bucket, request.key);
  plan.size_bytes = source->size_bytes;
  plan.algorithms = algorithms_to_compute(request, *source);
  CO_TRY_ASSIGN(plan.sealing, object_sealing(impl.vault, request.encryption, request.bucket,
                                             request.key, request.extras.encryption));
  BodyStream body(impl.store, std::move(pin),
                  rows::placement(request.source_bucket, request.source_key), *source,
                  Extent{0, source->size_bytes}, std::move(source_key));
  CO_TRY_ASSIGN(TakenBody taken, co_await take_body(impl.store, std::move(plan), body));

  std::vector<StoredChecksum> checksums = std::move(taken.computed);
  if (!request.checksum_algorithm) {
    for (const StoredChecksum& checksum : source->checksums) {
      if (!checksum.composite) checksums.push_back(checksum);
    }
  }
  Attributes attributes =
      request.attributes ? std::move(*request.attributes) : copied_attributes(*source);
  ObjectRecord record = simple_object(taken, std::move(attributes), std::move(checksums));
  record.extras = std::move(request.extras);
  if (!request.replace_tags) record.extras.tags = std::move(source->extras.tags);
  CopyResult result;
  result.source_version_id = std::move(source->version_id);
  CO_TRY_ASSIGN(result.info,
                co_await impl.add_version(std::move(request.bucket), std::move(request.key),
                                          std::move(record), std::move(taken.writer),
                                          std::move(request.conditions)));
  co_return std::move(result);
}

}  // namespace strata::object
