// The operations that are served, one function each, in one file per verb family. All have the same
// shape; the handler calls them after it has asked access about the request's own resource.
//
// Thread rule: on the event loop of the request's connection; everything passed outlives the task.
#pragma once

#include <string>

#include "common/async/byte_source.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "objstore/object/object_store.h"
#include "objstore/s3/answer.h"
#include "objstore/s3/authenticator.h"

namespace strata::s3 {

// What operations work with.
struct Service {
  object::ObjectStore& store;
  std::string region;
  std::string owner_account;  // twelve digits
  std::string owner_id;       // the canonical user id, 64 hex digits
};

using AnswerTask = async::Task<Result<Answer>>;

// buckets.cc
[[nodiscard]] AnswerTask list_buckets(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask create_bucket(Service& service, const VerifiedRequest& request,
                                       async::ByteSource& body);
[[nodiscard]] AnswerTask head_bucket(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask delete_bucket(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask get_bucket_location(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask get_bucket_versioning(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask unset_configuration(Service& service, const VerifiedRequest& request,
                                             const OperationInfo& operation);

// list_objects.cc
[[nodiscard]] AnswerTask list_objects(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask list_objects_v2(Service& service, const VerifiedRequest& request);

// get_object.cc
[[nodiscard]] AnswerTask get_object(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask head_object(Service& service, const VerifiedRequest& request);

// put_object.cc
[[nodiscard]] AnswerTask put_object(Service& service, const VerifiedRequest& request,
                                    async::ByteSource& body);

// copy_object.cc
[[nodiscard]] AnswerTask copy_object(Service& service, const VerifiedRequest& request);

// delete_objects.cc
[[nodiscard]] AnswerTask delete_object(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask delete_objects(Service& service, const VerifiedRequest& request,
                                        async::ByteSource& body);

// multipart.cc
[[nodiscard]] AnswerTask create_multipart_upload(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask upload_part(Service& service, const VerifiedRequest& request,
                                     async::ByteSource& body);
[[nodiscard]] AnswerTask complete_multipart_upload(Service& service, const VerifiedRequest& request,
                                                   async::ByteSource& body);
[[nodiscard]] AnswerTask abort_multipart_upload(Service& service, const VerifiedRequest& request);

// multipart_lists.cc
[[nodiscard]] AnswerTask list_parts(Service& service, const VerifiedRequest& request);
[[nodiscard]] AnswerTask list_multipart_uploads(Service& service, const VerifiedRequest& request);

}  // namespace strata::s3
