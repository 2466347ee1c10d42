// get and head: one consistent version, whole or in part.
#include <fmt/format.h>

#include "objstore/object/body_stream.h"
#include "objstore/object/conditions.h"
#include "objstore/object/names.h"
#include "objstore/object/ranges.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {

static_assert(reason::kTooFewDrives == replica::kReasonTooFewDrives);

async::Task<Result<ObjectRecord>> ObjectStore::Impl::read_version(const GetRequest& request) {
  CO_TRY(check_names(request.bucket, request.key));
  if (request.range && request.part_number) {
    co_return Error(Code::kInvalidArgument, "ask for a range or for a part, not for both");
  }
  CO_TRY_ASSIGN(ObjectRecord record,
                co_await named_version(request.bucket, request.key, request.version_id));
  if (record.marks.delete_marker) {
    if (!request.version_id) {
      co_return Error(Code::kNotFound, reason::kDeleted,
                      fmt::format("the object {} is deleted", request.key));
    }
    co_return Error(Code::kInvalidArgument, reason::kIsDeleteMarker,
                    "The specified method is not allowed against this resource.");
  }
  CO_TRY(check_read_conditions(request.conditions,
                               Validators{record.etag, record.modified, record.size_bytes}));
  co_return std::move(record);
}

namespace {

// An open version without its bytes. Takes the record's text; its segments stay.
Result<OpenObject> select(ObjectRecord& record, GetRequest request) {
  Extent extent{0, record.size_bytes};
  const Validators validators{record.etag, record.modified, record.size_bytes};
  if (request.if_range && !if_range_holds(*request.if_range, validators)) request.range.reset();
  if (request.range) {
    TRY_ASSIGN(extent, resolve_range(*request.range, record.size_bytes));
  }
  if (request.part_number) {
    TRY_ASSIGN(extent, resolve_part(record, *request.part_number));
  }
  OpenObject open;
  if (request.part_number && record.parts > 0 && record.part_checksum) {
    open.part_checksum.emplace();
    open.part_checksum->algorithm = *record.part_checksum;
    open.part_checksum->value = record.segments[*request.part_number - 1].checksum;
  }
  open.info = record.take_info(std::move(request.key));
  open.first = extent.first;
  open.length = extent.length;
  open.partial = request.range.has_value() || request.part_number.has_value();
  return open;
}

}  // namespace

async::Task<Result<OpenObject>> ObjectStore::head(GetRequest request) {
  CO_TRY_ASSIGN(ObjectRecord record, co_await impl_->read_version(request));
  CO_TRY(impl_->vault.unlock(record.extras.encryption, request.customer_key, request.bucket,
                             request.key));
  co_return select(record, std::move(request));
}

async::Task<Result<OpenObject>> ObjectStore::get(GetRequest request) {
  Impl& impl = *impl_;
  // Before the record is read: its blobs then stay readable whatever happens to the key.
  std::unique_ptr<replica::ReadPin> pin = impl.store.pin();
  CO_TRY_ASSIGN(ObjectRecord record, co_await impl.read_version(request));
  CO_TRY_ASSIGN(std::optional<crypto::Secret> data_key,
                impl.vault.unlock(record.extras.encryption, request.customer_key, request.bucket,
                                  request.key));
  std::string placement = rows::placement(request.bucket, request.key);
  CO_TRY_ASSIGN(OpenObject open, select(record, std::move(request)));
  open.body = std::make_unique<BodyStream>(impl.store, std::move(pin), std::move(placement), record,
                                           Extent{open.first, open.length}, std::move(data_key));
  co_return std::move(open);
}

}  // namespace strata::object
