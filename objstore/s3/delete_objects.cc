// DeleteObject and DeleteObjects.
#include <algorithm>
#include <optional>
#include <utility>

#include "common/async/when_all.h"
#include "common/base/log.h"
#include "common/http/server.h"
#include "objstore/access/authorize.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/upload_body.h"
#include "objstore/s3/xml_bodies.h"

namespace strata::s3 {

namespace {

// The request outlives the task: its caller waits for all of them.
async::Task<Status> delete_one(Service& service, const VerifiedRequest& request,
                               const DeleteEntry& entry) {
  const access::Decision decision =
      access::authorize(request.caller(), "s3:DeleteObject", {request.bucket(), entry.key});
  if (!decision.allowed) {
    co_return Error(Code::kPermissionDenied, code::kAccessDenied, "Access Denied");
  }
  if (entry.version_id) CO_TRY(check_version_id(*entry.version_id));
  if (entry.unsupported_condition) {
    co_return not_implemented("LastModifiedTime or Size as a condition");
  }
  object::Conditions conditions;
  conditions.if_match = entry.if_match;
  Status removed =
      co_await service.store.remove(request.bucket(), entry.key, std::move(conditions));
  co_return std::move(removed);
}

void write_outcome(codec::XmlWriter& xml, const DeleteEntry& entry, const Status& outcome,
                   bool quiet) {
  if (outcome.ok()) {
    if (quiet) return;
    xml.open("Deleted").element("Key", entry.key);
    if (entry.version_id) xml.element("VersionId", *entry.version_id);
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
  CO_TRY_ASSIGN(object::Conditions conditions, write_conditions(call.request.fields()));
  CO_TRY(co_await call.service.store.remove(call.request.bucket(), call.request.key(),
                                            std::move(conditions)));
  co_return empty_answer(204);
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
    std::vector<async::Task<Status>> tasks;
    for (size_t i = begin; i < end; ++i) {
      tasks.push_back(delete_one(call.service, call.request, list.entries[i]));
    }
    const std::vector<Status> outcomes = co_await async::when_all(std::move(tasks));
    for (size_t i = begin; i < end; ++i) {
      write_outcome(xml, list.entries[i], outcomes[i - begin], list.quiet);
    }
  }
  co_return xml_answer(200, xml.finish());
}

}  // namespace strata::s3
