// complete_upload: the parts become an object, in one commit.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/object/checksums.h"
#include "objstore/object/completion.h"
#include "objstore/object/names.h"
#include "objstore/object/object_lock.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {

static_assert(kPartNumberMax <= replica::kScanRowsMax, "one scan sees every part");
static_assert(kPartNumberMax + 2 <= replica::kMutationRowsMax, "one commit ends an upload");

namespace {

// The same request again, after its first answer was lost: the object it made is still there.
bool already_done(const ObjectRecord& current, const UploadId& id,
                  const std::vector<CompletePart>& parts) {
  if (!current.upload_id || current.upload_id->raw != id.raw) return false;
  if (current.segments.size() != parts.size()) return false;
  std::vector<std::string> md5s;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (current.segments[i].part_number != parts[i].number) return false;
    std::optional<std::string> md5 = codec::from_hex(parts[i].etag);
    if (!md5) return false;
    md5s.push_back(std::move(*md5));
  }
  return multipart_etag(md5s) == current.etag;
}

Status check_stated(const CompleteRequest& request, const ObjectRecord& record) {
  if (request.size_bytes && *request.size_bytes != record.size_bytes) {
    return Error(Code::kInvalidArgument, fmt::format("the object has {} bytes, but {} were stated",
                                                     record.size_bytes, *request.size_bytes));
  }
  for (const StoredChecksum& stated : request.checksums) {
    const StoredChecksum* kept = find_checksum(record.checksums, stated.algorithm);
    if (kept == nullptr) {
      return Error(Code::kInvalidArgument,
                   fmt::format("the upload has no {} checksum to compare with: begin it with that "
                               "algorithm",
                               digest::checksum_name(stated.algorithm)));
    }
    if (kept->value != stated.value) return bad_digest(stated.algorithm);
  }
  return {};
}

}  // namespace

async::Task<Result<ObjectInfo>> ObjectStore::complete_upload(CompleteRequest request) {
  Impl& impl = *impl_;
  CO_TRY(check_names(request.bucket, request.key));
  CO_TRY(check_part_order(request.parts));
  replica::Mutation mutation;
  mutation.placement = rows::placement(request.bucket, request.key);
  const async::KeyMutex::Guard guard = co_await impl.keys.lock(mutation.placement);
  CO_TRY_ASSIGN(const Buckets::Visit visit, co_await impl.buckets.visit(request.bucket));

  CO_TRY_ASSIGN(std::optional<ObjectRecord> current,
                co_await impl.read_current(request.bucket, request.key));
  Result<UploadRecord> upload =
      co_await impl.read_upload(request.bucket, request.key, request.upload_id);
  if (!upload.ok()) {
    const std::optional<UploadId> ended = UploadId::parse(request.upload_id);
    if (upload.error().reason == reason::kNoSuchUpload && ended && current &&
        already_done(*current, *ended, request.parts)) {
      co_return current->take_info(std::move(request.key));
    }
    co_return std::move(upload).error();
  }
  const UploadId id = *UploadId::parse(request.upload_id);
  CO_TRY(check_replacement(request.conditions, current, request.key));

  CO_TRY_ASSIGN(std::vector<replica::Row> found,
                co_await impl.read_part_rows(request.bucket, request.key, id, 0, kPartNumberMax));
  CO_TRY_ASSIGN(Assembly assembly, assemble(*upload, request.parts, found));
  ObjectRecord& record = assembly.record;
  CO_TRY(check_stated(request, record));

  record.upload_id = id;
  // A date that was in the future when the upload began is kept even if it is not any more.
  if (!record.extras.retention) {
    CO_TRY(apply_lock(visit.info, impl.clock.wall_now(), record.extras));
  }
  mutation.drops = std::move(assembly.unused);
  CO_TRY(co_await impl.make_current(visit.info, request.key, current, record, mutation));
  mutation.deletes.push_back(rows::upload(request.bucket, request.key, id));
  for (replica::Row& row : found) mutation.deletes.push_back(std::move(row.key));
  CO_TRY(co_await impl.buckets.commit(visit, std::move(mutation)));
  co_return record.take_info(std::move(request.key));
}

}  // namespace strata::object
