// Uploads: their start, their end without an object, and the list of them.
#include <fmt/format.h>

#include <algorithm>

#include "objstore/object/listing_walk.h"
#include "objstore/object/names.h"
#include "objstore/object/object_lock.h"
#include "objstore/object/parts.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {
namespace {

UploadInfo upload_info(std::string key, const UploadId& id, UploadRecord record) {
  UploadInfo info;
  info.key = std::move(key);
  info.upload_id = id.to_text();
  info.started = record.started;
  info.attributes = std::move(record.attributes);
  info.checksum_algorithm = record.checksum_algorithm;
  info.checksum_full_object = record.checksum_full_object;
  info.extras = std::move(record.extras);
  return info;
}

// Where among the uploads' rows a page begins.
Result<std::string> uploads_start(const ListUploadsRequest& request) {
  if (request.key_marker.empty() || request.upload_id_marker.empty()) {
    return listing_start(request.prefix, request.delimiter, request.key_marker);
  }
  const std::optional<UploadId> id = UploadId::parse(request.upload_id_marker);
  if (!id) {
    return Error(Code::kInvalidArgument, "the upload-id-marker is not the id of an upload");
  }
  std::string start = listing_start(request.prefix, request.delimiter, request.key_marker);
  // Only where the marker is a listed key itself are there later uploads of the same key.
  if (start == request.key_marker + '\x01') start = request.key_marker + '\0' + id->raw + '\0';
  return start;
}

}  // namespace

Error no_such_upload() {
  return Error(Code::kNotFound, reason::kNoSuchUpload,
               "there is no such upload: it never began, or it was completed or aborted");
}

async::Task<Result<UploadRecord>> ObjectStore::Impl::read_upload(std::string bucket,
                                                                 std::string key,
                                                                 std::string upload_id) {
  CO_TRY(check_names(bucket, key));
  const std::optional<UploadId> id = UploadId::parse(upload_id);
  if (id) {
    std::string row_key = rows::upload(bucket, key, *id);
    std::string placement = rows::placement(bucket, key);
    CO_TRY_ASSIGN(const std::optional<replica::Row> row,
                  co_await store.get(std::move(placement), std::move(row_key)));
    if (row) co_return decode_upload(row->value);
  }
  CO_TRY(co_await buckets.find(std::move(bucket)));
  co_return no_such_upload();
}

async::Task<Result<std::vector<replica::Row>>> ObjectStore::Impl::read_part_rows(
    std::string bucket, std::string key, UploadId id, uint32_t after_number, size_t rows_max) {
  if (after_number >= kPartNumberMax || rows_max == 0) co_return std::vector<replica::Row>();
  replica::ScanRequest request;
  request.from = rows::part(bucket, key, id, after_number + 1);
  request.to = rows::prefix_end(rows::parts_head(bucket, key, id));
  request.rows_max = rows_max;
  request.placement = rows::placement(bucket, key);
  Result<std::vector<replica::Row>> found = co_await store.scan(std::move(request));
  co_return std::move(found);
}

async::Task<Result<UploadInfo>> ObjectStore::create_upload(CreateUploadRequest request) {
  Impl& impl = *impl_;
  CO_TRY(check_names(request.bucket, request.key));
  CO_TRY(check_attributes(request.attributes));
  CO_TRY(check_extras(request.extras));
  CO_TRY_ASSIGN(const BucketInfo bucket, co_await impl.buckets.find(request.bucket));
  CO_TRY(check_lock_request(bucket, impl.clock.wall_now(), request.extras));
  UploadRecord record;
  record.extras = std::move(request.extras);
  if (request.encryption) {
    CO_TRY_ASSIGN(encryption::Vault::Protection protection,
                  impl.vault.protect(*request.encryption, request.bucket, request.key));
    record.extras.encryption = std::move(protection.envelope);
  }
  record.started = impl.clock.wall_now();
  record.attributes = std::move(request.attributes);
  record.checksum_algorithm = request.checksum_algorithm;
  if (request.checksum_algorithm) {
    const digest::ChecksumAlgorithm algorithm = *request.checksum_algorithm;
    if (request.checksum_full_object && !digest::checksum_combines(algorithm)) {
      co_return Error(Code::kInvalidArgument,
                      fmt::format("{} has no checksum of the full object in an upload: use "
                                  "COMPOSITE, or an algorithm of the CRC family",
                                  digest::checksum_name(algorithm)));
    }
    // S3 knows CRC64NVME of full objects only.
    record.checksum_full_object =
        request.checksum_full_object || algorithm == digest::ChecksumAlgorithm::kCrc64Nvme;
  }
  const UploadId id = UploadId::make(impl.store.next_stamp(), impl.random_u64());
  replica::Mutation mutation;
  mutation.placement = rows::placement(request.bucket, request.key);
  mutation.puts.push_back({rows::upload(request.bucket, request.key, id), encode(record)});
  CO_TRY(co_await impl.buckets.commit(request.bucket, std::move(mutation)));
  co_return upload_info(std::move(request.key), id, std::move(record));
}

async::Task<Status> ObjectStore::abort_upload(std::string bucket, std::string key,
                                              std::string upload_id) {
  Impl& impl = *impl_;
  CO_TRY(check_names(bucket, key));
  replica::Mutation mutation;
  mutation.placement = rows::placement(bucket, key);
  const async::KeyMutex::Guard guard = co_await impl.keys.lock(mutation.placement);
  CO_TRY(co_await impl.read_upload(bucket, key, upload_id));
  const UploadId id = *UploadId::parse(upload_id);
  CO_TRY_ASSIGN(std::vector<replica::Row> parts,
                co_await impl.read_part_rows(bucket, key, id, 0, kPartNumberMax));
  mutation.deletes.push_back(rows::upload(bucket, key, id));
  for (replica::Row& row : parts) {
    CO_TRY_ASSIGN(const PartRecord part, decode_part(row.value));
    if (part.blob) mutation.drops.push_back(*part.blob);
    mutation.deletes.push_back(std::move(row.key));
  }
  CO_TRY(co_await impl.buckets.commit(std::move(bucket), std::move(mutation)));
  co_return Status();
}

async::Task<Result<ListUploadsPage>> ObjectStore::list_uploads(ListUploadsRequest request) {
  Impl& impl = *impl_;
  CO_TRY(co_await impl.buckets.find(request.bucket));
  CO_TRY_ASSIGN(const std::string start, uploads_start(request));
  const size_t entries_max = std::min(request.uploads_max, kListKeysMax);
  ListUploadsPage page;
  if (entries_max == 0) co_return std::move(page);

  ListingWalk walk(impl.store, rows::uploads_head(request.bucket), std::move(request.prefix),
                   std::move(request.delimiter), start, entries_max + 1);
  std::string last_key;
  std::string last_id;
  while (true) {
    CO_TRY_ASSIGN(std::optional<ListingWalk::Entry> entry, co_await walk.next());
    if (!entry) break;
    if (page.uploads.size() + page.common_prefixes.size() == entries_max) {
      page.truncated = true;
      page.next_key_marker = std::move(last_key);
      page.next_upload_id_marker = std::move(last_id);
      break;
    }
    last_key = entry->name;
    last_id.clear();
    if (entry->is_common_prefix) {
      page.common_prefixes.push_back(std::move(entry->name));
      continue;
    }
    const std::optional<UploadId> id = rows::upload_id_of_tail(walk.tail(entry->row));
    if (!id) co_return Error(Code::kCorrupt, "a row among the uploads has no upload's name");
    CO_TRY_ASSIGN(UploadRecord record, decode_upload(entry->row.value));
    last_id = id->to_text();
    page.uploads.push_back(upload_info(std::move(entry->name), *id, std::move(record)));
  }
  co_return std::move(page);
}

async::Task<Result<ListPartsPage>> ObjectStore::list_parts(std::string bucket, std::string key,
                                                           std::string upload_id,
                                                           uint32_t after_number,
                                                           size_t parts_max) {
  Impl& impl = *impl_;
  CO_TRY_ASSIGN(UploadRecord record, co_await impl.read_upload(bucket, key, upload_id));
  const UploadId id = *UploadId::parse(upload_id);
  parts_max = std::min(parts_max, kListPartsMax);
  ListPartsPage page;
  page.upload = upload_info(key, id, std::move(record));
  if (parts_max == 0) co_return std::move(page);
  CO_TRY_ASSIGN(const std::vector<replica::Row> found,
                co_await impl.read_part_rows(bucket, key, id, after_number, parts_max + 1));
  for (const replica::Row& row : found) {
    if (page.parts.size() == parts_max) {
      page.truncated = true;
      page.next_part_number = page.parts.back().number;
      break;
    }
    CO_TRY_ASSIGN(NumberedPart part, numbered_part(row));
    page.parts.push_back(part_info(part.number, part.record));
  }
  co_return std::move(page);
}

}  // namespace strata::object
