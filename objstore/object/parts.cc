// The parts of an upload: taking one in.
#include "objstore/object/parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/codec/text.h"
#include "objstore/object/body_intake.h"
#include "objstore/object/checksums.h"
#include "objstore/object/names.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {

Result<NumberedPart> numbered_part(const replica::Row& row) {
  const std::string_view name(row.key);
  const std::string_view tail = name.substr(name.size() - std::min(name.size(), sizeof(uint32_t)));
  const std::optional<uint32_t> number = rows::part_number_of_tail(tail);
  if (!number || !check_part_number(*number).ok()) {
    return Error(Code::kCorrupt, "a row among an upload's parts has no part's name");
  }
  NumberedPart part;
  part.number = *number;
  TRY_ASSIGN(part.record, decode_part(row.value));
  return part;
}

PartInfo part_info(uint32_t number, const PartRecord& record) {
  PartInfo info;
  info.number = number;
  info.size_bytes = record.size_bytes;
  info.etag = codec::to_hex(std::string_view(record.md5));
  info.modified = record.modified;
  info.checksums = record.checksums;
  return info;
}

Status check_part_number(uint32_t number) {
  if (number >= 1 && number <= kPartNumberMax) return {};
  return Error(Code::kInvalidArgument, reason::kInvalidPartNumber,
               fmt::format("part numbers go from 1 to {}", kPartNumberMax));
}

namespace {

// The checksums to keep with a part. An upload that was begun with an algorithm needs it of every
// part: computed here for the CRC family, which costs next to nothing; asked of the client for the
// others, as S3 does.
Result<std::vector<StoredChecksum>> part_checksums(const UploadRecord& upload,
                                                   std::vector<StoredChecksum> sent,
                                                   std::vector<StoredChecksum> computed) {
  TRY(check_checksums(sent));
  if (!upload.checksum_algorithm) return sent;
  const digest::ChecksumAlgorithm algorithm = *upload.checksum_algorithm;
  const StoredChecksum* stated = find_checksum(sent, algorithm);
  if (stated == nullptr && !sent.empty()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the upload was begun with {}: send that checksum with its parts",
                             digest::checksum_name(algorithm)));
  }
  if (computed.empty()) {
    if (stated != nullptr) return sent;
    return Error(Code::kInvalidArgument,
                 fmt::format("the upload was begun with {}: send that checksum with every part",
                             digest::checksum_name(algorithm)));
  }
  if (stated == nullptr) return computed;
  if (stated->value != computed.front().value) return bad_digest(algorithm);
  return sent;
}

}  // namespace

async::Task<Result<PartInfo>> ObjectStore::upload_part(UploadPartRequest request,
                                                       async::ByteSource& body) {
  Impl& impl = *impl_;
  CO_TRY(check_part_number(request.part_number));
  CO_TRY_ASSIGN(const UploadRecord upload,
                co_await impl.read_upload(request.bucket, request.key, request.upload_id));
  const UploadId id = *UploadId::parse(request.upload_id);

  IntakePlan plan;
  plan.placement = rows::placement(request.bucket, request.key);
  plan.size_bytes = request.size_bytes;
  plan.bytes_max = kPartBytesMax;
  if (upload.checksum_algorithm && digest::checksum_combines(*upload.checksum_algorithm)) {
    plan.algorithms.push_back(*upload.checksum_algorithm);
  }
  CO_TRY_ASSIGN(TakenBody taken, co_await take_body(impl.store, std::move(plan), body));
  std::vector<StoredChecksum> sent;
  if (request.checksums) {
    CO_TRY_ASSIGN(sent, request.checksums());
  }
  PartRecord record;
  CO_TRY_ASSIGN(record.checksums,
                part_checksums(upload, std::move(sent), std::move(taken.computed)));
  record.size_bytes = taken.size_bytes;
  record.md5 = std::move(taken.md5);
  record.blob = taken.blob;

  replica::Mutation mutation;
  mutation.placement = rows::placement(request.bucket, request.key);
  const async::KeyMutex::Guard guard = co_await impl.keys.lock(mutation.placement);
  // Again: it may have been completed or aborted while the body came in.
  CO_TRY(co_await impl.read_upload(request.bucket, request.key, request.upload_id));
  std::string row_key = rows::part(request.bucket, request.key, id, request.part_number);
  std::string placement = mutation.placement;
  CO_TRY_ASSIGN(const std::optional<replica::Row> before,
                co_await impl.store.get(std::move(placement), row_key));
  if (before) {
    CO_TRY_ASSIGN(const PartRecord replaced, decode_part(before->value));
    if (replaced.blob) mutation.drops.push_back(*replaced.blob);
  }
  record.modified = impl.clock.wall_now();
  mutation.puts.push_back({std::move(row_key), encode(record)});
  if (taken.writer) mutation.adopts.push_back(std::move(taken.writer));
  CO_TRY(co_await impl.buckets.commit(std::move(request.bucket), std::move(mutation)));
  co_return part_info(request.part_number, record);
}

}  // namespace strata::object
