// DeleteObject and DeleteObjects.
#include <algorithm>
#include <optional>
#include <utility>

#include "common/async/when_all.h"
#include "common/base/log.h"
#include "common/http/server.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/object_extras.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/upload_body.h"
#include "objstore/s3/versions.h"
#include "objstore/s3/xml_bodies.h"

namespace strata::s3 {

namespace {

using Outcome = Result<object::Removal>;

// The call and the entry outlive the task: its caller waits for all of them.
async::Task<Outcome> delete_one(const Call& call, const DeleteEntry& entry) {
  const std::string& bucket = call.request.bucket();
  CO_TRY(require(call, entry.version_id ? "s3:DeleteObjectVersion" : "s3:DeleteObject", bucket,
                 entry.key));
  if (entry.version_id && entry.version_id->empty()) {
    co_return Error(Code::kInvalidArgument, code::kInvalidArgument,
                    "Version id cannot be the empty string");
  }
  object::RemoveRequest remove;
  remove.bucket = bucket;
  remove.key = entry.key;
  remove.version_id = entry.version_id;
  remove.conditions.if_match = entry.if_match;
  remove.conditions.if_match_modified = entry.if_match_modified;
  remove.conditions.if_match_size_bytes = entry.if_match_size_bytes;
  remove.owner = owner_of_new(call);
  CO_TRY(require_match(call, remove.conditions, entry.key));
  CO_TRY_ASSIGN(remove.bypass_governance, bypasses_governance(call, entry.key));
  Outcome removed = co_await call.service.store.remove(std::move(remove));
  // One of a list that cannot be a version's id is a version that is not there.
  if (!removed.ok() && removed.error().reason == object::reason::kInvalidVersionId) {
    co_return Error(Code::kNotFound, object::reason::kNoSuchVersion,
                    "The specified version does not exist.");
  }
  co_return std::move(removed);
}

void write_outcome(codec::XmlWriter& xml, const DeleteEntry& entry, const Outcome& outcome,
                   bool quiet) {
  if (outcome.ok()) {
    if (quiet) return;
    xml.open("Deleted").element("Key", entry.key);
    if (entry.version_id) xml.element("VersionId", *entry.version_id);
    if (outcome->delete_marker) {
      xml.element("DeleteMarker", true).element("DeleteMarkerVersionId", outcome->version_id);
    }
    xml.close();
    return;
  }
  const WireError wire = to_wire(outcome.error());
  if (wire.status >= 500 && wire.status != 501) {
    log::error("s3.delete_failed", {{"error", outcome.error().to_string()}});
  }
  xml.open("Error").element("Key", entry.key);
  if (entry.version_id) xml.element("VersionId", *entry.version_id);
  xml.element("Code", wire.code).element("Message", wire.message).close();
}

}  // namespace

AnswerTask delete_object(const Call& call) {
  object::RemoveRequest remove;
  remove.bucket = call.request.bucket();
  remove.key = call.request.key();
  CO_TRY_ASSIGN(remove.version_id, version_parameter(call.request.query()));
  CO_TRY_ASSIGN(remove.conditions, removal_conditions(call.request.fields()));
  CO_TRY(require_match(call, remove.conditions, remove.key));
  CO_TRY_ASSIGN(remove.bypass_governance, bypasses_governance(call, remove.key));
  remove.owner = owner_of_new(call);
  CO_TRY_ASSIGN(const object::Removal removal,
                co_await call.service.store.remove(std::move(remove)));
  Answer answer = empty_answer(204);
  CO_TRY(co_await add_version_field(call, call.request.bucket(), removal.version_id,
                                    "x-amz-version-id", answer));
  if (removal.delete_marker) answer.head.fields.add("x-amz-delete-marker", "true");
  co_return std::move(answer);
}

AnswerTask delete_objects(const Call& call) {
  CO_TRY_ASSIGN(const std::unique_ptr<UploadBody> upload,
                UploadBody::open(call.request, call.body, kDeleteXmlBytesMax));
  if (!upload->has_integrity_check()) {
    co_return Error(Code::kInvalidArgument, code::kInvalidRequest,
                    "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  CO_TRY_ASSIGN(const std::string document, co_await http::read_all(*upload, kDeleteXmlBytesMax));
  CO_TRY_ASSIGN(const DeleteList list, parse_delete(document));
  CO_TRY(co_await call.service.store.bucket(call.request.bucket()));

  codec::XmlWriter xml = s3_document("DeleteResult");
  for (size_t begin = 0; begin < list.entries.size(); begin += kDeletesAtOnce) {
    const size_t end = std::min(begin + kDeletesAtOnce, list.entries.size());
    std::vector<async::Task<Outcome>> tasks;
    for (size_t i = begin; i < end; ++i) {
      tasks.push_back(delete_one(call, list.entries[i]));
    }
    const std::vector<Outcome> outcomes = co_await async::when_all(std::move(tasks));
    for (size_t i = begin; i < end; ++i) {
      write_outcome(xml, list.entries[i], outcomes[i - begin], list.quiet);
    }
  }
  co_return xml_answer(200, xml.finish());
}

}  // namespace strata::s3
