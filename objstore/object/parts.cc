// The parts of an upload: taking one in.
#include "objstore/object/parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/codec/text.h"
#include "objstore/object/body_intake.h"
#include "objstore/object/body_stream.h"
#include "objstore/object/checksums.h"
#include "objstore/object/conditions.h"
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
// part: computed here for a FULL_OBJECT one, asked of the client for a COMPOSITE one, as S3 does.
// Any other upload gets the default beside what the client sent.
Result<std::vector<StoredChecksum>> part_checksums(const UploadRecord& upload,
                                                   std::vector<StoredChecksum> sent,
                                                   std::vector<StoredChecksum> computed) {
  TRY(check_checksums(sent));
  if (!upload.checksum_algorithm) {
    if (find_checksum(sent, kDefaultChecksum) == nullptr) {
      for (StoredChecksum& checksum : computed) sent.push_back(std::move(checksum));
    }
    return sent;
  }
  const digest::ChecksumAlgorithm algorithm = *upload.checksum_algorithm;
  if (sent.empty()) {
    if (upload.checksum_full_object) return computed;
    return checksum_type_mismatch(algorithm, std::nullopt);
  }
  const StoredChecksum* stated = find_checksum(sent, algorithm);
  if (stated == nullptr) return checksum_type_mismatch(algorithm, sent.front().algorithm);
  if (!computed.empty() && stated->value != computed.front().value) return bad_digest(algorithm);
  return sent;
}

// What is computed on a part's bytes besides MD5.
std::vector<digest::ChecksumAlgorithm> algorithms_of_part(const UploadRecord& upload) {
  if (!upload.checksum_algorithm) return {kDefaultChecksum};
  if (digest::checksum_combines(*upload.checksum_algorithm)) return {*upload.checksum_algorithm};
  return {};
}

}  // namespace

async::Task<Result<PartInfo>> ObjectStore::Impl::store_part(
    PartTarget target, PartRecord record, std::unique_ptr<replica::BlobWriter> writer) {
  replica::Mutation mutation;
  mutation.placement = rows::placement(target.bucket, target.key);
  const async::KeyMutex::Guard guard = co_await keys.lock(mutation.placement);
  // Again: it may have been completed or aborted while the body came in.
  CO_TRY(co_await read_upload(target.bucket, target.key, target.upload_id));
  const UploadId id = *UploadId::parse(target.upload_id);
  std::string row_key = rows::part(target.bucket, target.key, id, target.number);
  std::string placement = mutation.placement;
  CO_TRY_ASSIGN(const std::optional<replica::Row> before,
                co_await store.get(std::move(placement), row_key));
  if (before) {
    CO_TRY_ASSIGN(const PartRecord replaced, decode_part(before->value));
    if (replaced.blob) mutation.drops.push_back(*replaced.blob);
  }
  record.modified = clock.wall_now();
  mutation.puts.push_back({std::move(row_key), encode(record)});
  if (writer) mutation.adopts.push_back(std::move(writer));
  CO_TRY(co_await buckets.commit(std::move(target.bucket), std::move(mutation)));
  co_return part_info(target.number, record);
}

namespace {

// A part that comes with another key than its upload, or with none, is a mistake and no intrusion.
Error as_part_error(Error error) {
  if (error.reason == encryption::kKeyNeededReason) {
    error.message =
        "The multipart upload initiate requested encryption. Subsequent part requests must include "
        "the appropriate encryption parameters.";
  } else if (error.reason == encryption::kWrongKeyReason ||
             error.reason == encryption::kKeyNotApplicableReason) {
    return {Code::kInvalidArgument, encryption::kKeyNotApplicableReason,
            "The provided encryption parameters did not match the ones used originally."};
  }
  return error;
}

// A part is encrypted as its upload was begun, with a key of its own.
Result<std::optional<Sealing>> part_sealing(const encryption::Vault& vault,
                                            const UploadRecord& upload,
                                            const std::optional<encryption::CustomerKey>& customer,
                                            std::string_view bucket, std::string_view key) {
  Result<std::optional<crypto::Secret>> unlocked =
      vault.unlock(upload.extras.encryption, customer, bucket, key);
  if (!unlocked.ok()) return as_part_error(std::move(unlocked).error());
  const std::optional<crypto::Secret> data_key = std::move(*unlocked);
  if (!data_key) return std::optional<Sealing>();
  TRY_ASSIGN(const encryption::Envelope envelope,
             encryption::decode_envelope(upload.extras.encryption));
  return std::optional<Sealing>(Sealing{*data_key, encryption::Form::kPart, &vault.random(),
                                        envelope.method == encryption::Method::kS3});
}

PartRecord part_record(TakenBody& taken, std::vector<StoredChecksum> checksums, bool sealed) {
  PartRecord record;
  record.sealed = sealed;
  record.checksums = std::move(checksums);
  record.size_bytes = taken.size_bytes;
  record.md5 = std::move(taken.md5);
  record.blob = taken.blob;
  return record;
}

}  // namespace

async::Task<Result<PartInfo>> ObjectStore::upload_part(UploadPartRequest request,
                                                       async::ByteSource& body) {
  Impl& impl = *impl_;
  CO_TRY(check_part_number(request.part_number));
  CO_TRY_ASSIGN(const UploadRecord upload,
                co_await impl.read_upload(request.bucket, request.key, request.upload_id));

  IntakePlan plan;
  plan.placement = rows::placement(request.bucket, request.key);
  plan.size_bytes = request.size_bytes;
  plan.bytes_max = kPartBytesMax;
  plan.algorithms = algorithms_of_part(upload);
  CO_TRY_ASSIGN(plan.sealing, part_sealing(impl.vault, upload, request.customer_key, request.bucket,
                                           request.key));
  const bool sealed = plan.sealing.has_value();
  CO_TRY_ASSIGN(TakenBody taken, co_await take_body(impl.store, std::move(plan), body));
  std::vector<StoredChecksum> sent;
  if (request.checksums) {
    CO_TRY_ASSIGN(sent, request.checksums());
  }
  CO_TRY_ASSIGN(std::vector<StoredChecksum> checksums,
                part_checksums(upload, std::move(sent), std::move(taken.computed)));
  PartRecord record = part_record(taken, std::move(checksums), sealed);
  Impl::PartTarget target{std::move(request.bucket), std::move(request.key),
                          std::move(request.upload_id), request.part_number};
  Result<PartInfo> done =
      co_await impl.store_part(std::move(target), std::move(record), std::move(taken.writer));
  if (done.ok()) done->extras.encryption = upload.extras.encryption;
  co_return std::move(done);
}

namespace {

// Unlike the range of a read this one must lie inside the source.
Result<Extent> copied_extent(const CopyPartRequest& request, uint64_t size_bytes) {
  if (!request.range) return Extent{0, size_bytes};
  const ByteRange& range = *request.range;
  if (!range.first || !range.last || *range.last < *range.first || *range.last >= size_bytes) {
    return Error(
        Code::kInvalidArgument, reason::kInvalidCopyRange,
        fmt::format("Range specified is not valid for source object of size: {}", size_bytes));
  }
  return Extent{*range.first, *range.last - *range.first + 1};
}

}  // namespace

async::Task<Result<CopyPartResult>> ObjectStore::copy_part(CopyPartRequest request) {
  Impl& impl = *impl_;
  CO_TRY(check_part_number(request.part_number));
  CO_TRY_ASSIGN(const UploadRecord upload,
                co_await impl.read_upload(request.bucket, request.key, request.upload_id));
  GetRequest source_request;
  source_request.bucket = request.source_bucket;
  source_request.key = request.source_key;
  source_request.version_id = request.source_version_id;
  source_request.conditions = request.source_conditions;
  std::unique_ptr<replica::ReadPin> pin = impl.store.pin();
  Result<ObjectRecord> source = co_await impl.read_version(source_request);
  if (!source.ok()) co_return as_source_error(std::move(source).error());
  CO_TRY_ASSIGN(const Extent extent, copied_extent(request, source->size_bytes));
  CO_TRY_ASSIGN(std::optional<crypto::Secret> source_key,
                impl.vault.unlock(source->extras.encryption, request.source_customer_key,
                                  request.source_bucket, request.source_key));

  IntakePlan plan;
  plan.placement = rows::placement(request.bucket, request.key);
  plan.size_bytes = extent.length;
  plan.bytes_max = kPartBytesMax;
  CO_TRY_ASSIGN(plan.sealing, part_sealing(impl.vault, upload, request.customer_key, request.bucket,
                                           request.key));
  const bool sealed = plan.sealing.has_value();
  if (upload.checksum_algorithm) plan.algorithms.push_back(*upload.checksum_algorithm);
  BodyStream body(impl.store, std::move(pin),
                  rows::placement(request.source_bucket, request.source_key), *source, extent,
                  std::move(source_key));
  CO_TRY_ASSIGN(TakenBody taken, co_await take_body(impl.store, std::move(plan), body));
  PartRecord record = part_record(taken, std::move(taken.computed), sealed);
  Impl::PartTarget target{std::move(request.bucket), std::move(request.key),
                          std::move(request.upload_id), request.part_number};
  CopyPartResult result;
  result.source_version_id = std::move(source->version_id);
  CO_TRY_ASSIGN(result.part, co_await impl.store_part(std::move(target), std::move(record),
                                                      std::move(taken.writer)));
  result.part.extras.encryption = upload.extras.encryption;
  co_return std::move(result);
}

async::Task<Result<ObjectPartsPage>> ObjectStore::object_parts(ObjectPartsRequest request) {
  GetRequest get;
  get.bucket = request.name.bucket;
  get.key = request.name.key;
  get.version_id = request.name.version_id;
  CO_TRY_ASSIGN(ObjectRecord record, co_await impl_->read_version(get));
  CO_TRY(impl_->vault.unlock(record.extras.encryption, request.customer_key, get.bucket, get.key));
  ObjectPartsPage page;
  for (Segment& segment : record.segments) {
    if (record.parts == 0) break;
    if (segment.part_number <= request.after_number) continue;
    if (page.parts.size() == request.parts_max) {
      page.truncated = true;
      break;
    }
    page.next_part_number = segment.part_number;
    ObjectPart part{segment.part_number, segment.size_bytes, {}};
    if (record.part_checksum) {
      part.checksum.emplace();
      part.checksum->algorithm = *record.part_checksum;
      part.checksum->value = std::move(segment.checksum);
    }
    page.parts.push_back(std::move(part));
  }
  page.info = record.take_info(std::move(request.name.key));
  co_return std::move(page);
}

}  // namespace strata::object
