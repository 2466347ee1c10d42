#include "objstore/s3/object_extras.h"

#include <utility>

#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "objstore/object/object_lock.h"
#include "objstore/object/tags.h"
#include "objstore/s3/acl_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/permission.h"

namespace strata::s3 {

namespace {

Error bad_tagging() {
  return {Code::kInvalidArgument, code::kInvalidArgument,
          "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
          "parameters without tag name duplicates."};
}

Status parse_lock_fields(const Call& call, object::Extras& extras) {
  const http::Fields& fields = call.request.fields();
  const std::string* mode = fields.find("x-amz-object-lock-mode");
  const std::string* until = fields.find("x-amz-object-lock-retain-until-date");
  if ((mode == nullptr) != (until == nullptr)) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be "
                 "supplied");
  }
  if (mode != nullptr) {
    object::Retention retention;
    TRY_ASSIGN(retention.mode, parse_retention_mode(*mode));
    const auto date = codec::parse_iso8601(*until);
    if (!date) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "The retain until date must be provided in ISO 8601 format");
    }
    retention.until = *date;
    extras.retention = retention;
    TRY(require(call, "s3:PutObjectRetention", call.request.bucket(), call.request.key()));
  }
  const std::string* hold = fields.find("x-amz-object-lock-legal-hold");
  if (hold == nullptr) return {};
  if (*hold != "ON" && *hold != "OFF") {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Legal Hold must be either of 'ON' or 'OFF'");
  }
  extras.legal_hold = *hold == "ON";
  return require(call, "s3:PutObjectLegalHold", call.request.bucket(), call.request.key());
}

// The list of a new object. Where lists do not count, only that the bucket's owner has full control
// may be asked for. S3 refuses it by the name `private`; clients up to rclone 1.60 say that with
// every object and mean nothing else.
Status parse_acl_fields(const Call& call, object::Extras& extras) {
  const http::Fields& fields = call.request.fields();
  const access::BucketAccess& rules = *call.rules.access;
  const std::string_view canned = fields.get("x-amz-acl");
  if (canned == "private" && !rules.acls_count()) return {};
  if (canned == "bucket-owner-full-control" &&
      rules.ownership != access::Ownership::kObjectWriter) {
    extras.owner.clear();
  }
  if (!speaks_of_acl(fields)) return {};
  const iam::Directory& directory = call.service.directory;
  AclTarget target;
  target.bucket_owner_id = directory.canonical_id(call.rules.owner);
  target.owner_id =
      extras.owner.empty() ? target.bucket_owner_id : directory.canonical_id(extras.owner);
  TRY_ASSIGN(const std::optional<access::Acl> acl, acl_of_fields(fields, target, directory));
  if (!acl) return {};
  // Of an object that is the writer's own, where it will be.
  object::Extras own;
  own.owner = owner_of_new(call);
  if (!may(call, "s3:PutObjectAcl", call.request.bucket(), call.request.key(), &own)) {
    return access_denied();
  }
  if (!rules.acls_count()) {
    return is_full_control_of(*acl, target.bucket_owner_id) ? Status()
                                                            : Status(acls_not_supported());
  }
  if (rules.block.block_public_acls && access::is_public(*acl)) return access_denied();
  if (!is_full_control_of(*acl, target.owner_id)) extras.acl = access::encode_acl(*acl);
  return {};
}

}  // namespace

std::string owner_of_new(const Call& call) {
  const std::string& account = call.request.caller().account;
  if (!call.rules.access->acls_count() || account == call.rules.owner) return {};
  return account;
}

Result<object::Tags> parse_tagging_field(std::string_view field) {
  if (field.size() > kTaggingFieldBytesMax) return bad_tagging();
  object::Tags tags;
  while (!field.empty()) {
    const size_t end = field.find('&');
    const std::string_view piece = field.substr(0, end);
    field = end == std::string_view::npos ? std::string_view() : field.substr(end + 1);
    if (piece.empty()) continue;
    const size_t equals = piece.find('=');
    auto key = codec::uri_decode(piece.substr(0, equals), true);
    auto value = codec::uri_decode(
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1), true);
    if (!key || !value || key->empty() || tags.size() > object::kObjectTagsMax) {
      return bad_tagging();
    }
    for (const auto& [other, unused] : tags) {
      if (other == *key) return bad_tagging();
    }
    tags.emplace_back(std::move(*key), std::move(*value));
  }
  TRY(object::check_tags(tags, object::kObjectTagsMax));
  return tags;
}

Result<object::RetentionMode> parse_retention_mode(std::string_view text) {
  if (text == "GOVERNANCE") return object::RetentionMode::kGovernance;
  if (text == "COMPLIANCE") return object::RetentionMode::kCompliance;
  return Error(Code::kInvalidArgument, code::kInvalidArgument, "Unknown wormMode directive.");
}

std::string_view retention_mode_text(object::RetentionMode mode) noexcept {
  return mode == object::RetentionMode::kGovernance ? "GOVERNANCE" : "COMPLIANCE";
}

async::Task<Status> check_lock_integrity(const Call& call, const UploadBody& body,
                                         const object::Extras& stated) {
  if (body.has_integrity_check()) co_return Status();
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  CO_TRY_ASSIGN(const std::optional<object::LockConfiguration> lock, object::lock_of(bucket));
  if (!lock) co_return Status();
  if (!stated.retention && !stated.legal_hold && !lock->default_retention) co_return Status();
  const bool part = call.operation.handler == upload_part;
  co_return Error(Code::kInvalidArgument, code::kInvalidRequest,
                  "Content-MD5 OR x-amz-checksum- HTTP header is required for Put " +
                      std::string(part ? "Part" : "Object") +
                      " requests with Object Lock parameters");
}

Result<object::Extras> parse_extras(const Call& call) {
  object::Extras extras;
  extras.owner = owner_of_new(call);
  TRY(parse_acl_fields(call, extras));
  const std::string* tagging = call.request.fields().find("x-amz-tagging");
  if (tagging != nullptr) {
    TRY_ASSIGN(extras.tags, parse_tagging_field(*tagging));
    TRY(require(call, "s3:PutObjectTagging", call.request.bucket(), call.request.key()));
  }
  TRY(parse_lock_fields(call, extras));
  return extras;
}

}  // namespace strata::s3
