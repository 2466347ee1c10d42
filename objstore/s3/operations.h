// The operations that are served, one function each, in one file per verb family. All have the same
// shape; the handler calls them after it has asked access about the request's own resource.
//
// Thread rule: on the event loop of the request's connection; everything passed outlives the task.
#pragma once

#include <string>

#include "common/async/byte_source.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/io/clock.h"
#include "objstore/encryption/key_ring.h"
#include "objstore/iam/directory.h"
#include "objstore/object/object_store.h"
#include "objstore/s3/answer.h"
#include "objstore/s3/authenticator.h"
#include "objstore/s3/bucket_rules.h"
#include "objstore/s3/new_bucket.h"
#include "objstore/s3/operation.h"
#include "objstore/s3/parsed_settings.h"
#include "objstore/settings/lifecycle_due.h"

namespace strata::s3 {

// What operations work with.
struct Service {
  object::ObjectStore& store;
  const iam::Directory& directory;  // whom the server knows
  std::string region;
  const io::Clock& clock;
  BucketRulesCache rules;
  encryption::KeyRing* keys = nullptr;  // null: only customers' keys encrypt
  NewBuckets new_buckets = NewBuckets::kClosed;
  // How long a day of lifecycle rules is.
  settings::DayLength lifecycle_day = settings::kRealDay;
  std::shared_ptr<SettingsCache> settings = std::make_shared<SettingsCache>();

  // An account as records keep it: nothing where it is the one that owns what names nobody.
  [[nodiscard]] std::string owner_in_record(const std::string& account) const {
    return account == directory.owner_account() ? std::string() : account;
  }
};

// One request to carry out. All of it outlives the task.
struct Call {
  Service& service;
  const OperationInfo& operation;
  const VerifiedRequest& request;
  async::ByteSource& body;
  const BucketRules& rules;  // of the request's bucket; without a name where there is none yet
};

using AnswerTask = async::Task<Result<Answer>>;

// buckets.cc
[[nodiscard]] AnswerTask list_buckets(const Call& call);
[[nodiscard]] AnswerTask head_bucket(const Call& call);
[[nodiscard]] AnswerTask delete_bucket(const Call& call);
[[nodiscard]] AnswerTask get_bucket_location(const Call& call);
[[nodiscard]] AnswerTask unset_configuration(const Call& call);

// create_bucket.cc
[[nodiscard]] AnswerTask create_bucket(const Call& call);

// bucket_versioning.cc
[[nodiscard]] AnswerTask get_bucket_versioning(const Call& call);
[[nodiscard]] AnswerTask put_bucket_versioning(const Call& call);
[[nodiscard]] AnswerTask list_object_versions(const Call& call);

// acls.cc
[[nodiscard]] AnswerTask get_bucket_acl(const Call& call);
[[nodiscard]] AnswerTask put_bucket_acl(const Call& call);
[[nodiscard]] AnswerTask get_object_acl(const Call& call);
[[nodiscard]] AnswerTask put_object_acl(const Call& call);

// bucket_policy.cc
[[nodiscard]] AnswerTask get_bucket_policy(const Call& call);
[[nodiscard]] AnswerTask put_bucket_policy(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_policy(const Call& call);
[[nodiscard]] AnswerTask get_bucket_policy_status(const Call& call);
[[nodiscard]] AnswerTask get_public_access_block(const Call& call);
[[nodiscard]] AnswerTask put_public_access_block(const Call& call);
[[nodiscard]] AnswerTask delete_public_access_block(const Call& call);
[[nodiscard]] AnswerTask get_bucket_ownership_controls(const Call& call);
[[nodiscard]] AnswerTask put_bucket_ownership_controls(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_ownership_controls(const Call& call);

// tagging.cc
[[nodiscard]] AnswerTask get_object_tagging(const Call& call);
[[nodiscard]] AnswerTask put_object_tagging(const Call& call);
[[nodiscard]] AnswerTask delete_object_tagging(const Call& call);
[[nodiscard]] AnswerTask get_bucket_tagging(const Call& call);
[[nodiscard]] AnswerTask put_bucket_tagging(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_tagging(const Call& call);

// object_lock.cc
[[nodiscard]] AnswerTask get_object_lock_configuration(const Call& call);
[[nodiscard]] AnswerTask put_object_lock_configuration(const Call& call);
[[nodiscard]] AnswerTask get_object_retention(const Call& call);
[[nodiscard]] AnswerTask put_object_retention(const Call& call);
[[nodiscard]] AnswerTask get_object_legal_hold(const Call& call);
[[nodiscard]] AnswerTask put_object_legal_hold(const Call& call);

// bucket_defaults.cc
[[nodiscard]] AnswerTask get_bucket_accelerate(const Call& call);
[[nodiscard]] AnswerTask get_bucket_logging(const Call& call);
[[nodiscard]] AnswerTask put_bucket_logging(const Call& call);
[[nodiscard]] AnswerTask get_bucket_request_payment(const Call& call);
[[nodiscard]] AnswerTask put_bucket_request_payment(const Call& call);
[[nodiscard]] AnswerTask get_bucket_notification(const Call& call);
[[nodiscard]] AnswerTask put_bucket_notification(const Call& call);
[[nodiscard]] AnswerTask get_bucket_abac(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_replication(const Call& call);
[[nodiscard]] AnswerTask list_no_configurations(const Call& call);

// object_attributes.cc
[[nodiscard]] AnswerTask get_object_attributes(const Call& call);

// upload_part_copy.cc
[[nodiscard]] AnswerTask upload_part_copy(const Call& call);

// bucket_documents.cc
[[nodiscard]] AnswerTask get_bucket_cors(const Call& call);
[[nodiscard]] AnswerTask put_bucket_cors(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_cors(const Call& call);
[[nodiscard]] AnswerTask get_bucket_lifecycle(const Call& call);
[[nodiscard]] AnswerTask put_bucket_lifecycle(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_lifecycle(const Call& call);
[[nodiscard]] AnswerTask get_bucket_website(const Call& call);
[[nodiscard]] AnswerTask put_bucket_website(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_website(const Call& call);
[[nodiscard]] AnswerTask get_bucket_encryption(const Call& call);
[[nodiscard]] AnswerTask put_bucket_encryption(const Call& call);
[[nodiscard]] AnswerTask delete_bucket_encryption(const Call& call);

// list_objects.cc
[[nodiscard]] AnswerTask list_objects(const Call& call);
[[nodiscard]] AnswerTask list_objects_v2(const Call& call);

// get_object.cc
[[nodiscard]] AnswerTask get_object(const Call& call);
[[nodiscard]] AnswerTask head_object(const Call& call);

// put_object.cc
[[nodiscard]] AnswerTask put_object(const Call& call);

// post_object.cc
[[nodiscard]] AnswerTask post_object(const Call& call);

// copy_object.cc
[[nodiscard]] AnswerTask copy_object(const Call& call);

// delete_objects.cc
[[nodiscard]] AnswerTask delete_object(const Call& call);
[[nodiscard]] AnswerTask delete_objects(const Call& call);

// multipart.cc
[[nodiscard]] AnswerTask create_multipart_upload(const Call& call);
[[nodiscard]] AnswerTask upload_part(const Call& call);
[[nodiscard]] AnswerTask complete_multipart_upload(const Call& call);
[[nodiscard]] AnswerTask abort_multipart_upload(const Call& call);

// multipart_lists.cc
[[nodiscard]] AnswerTask list_parts(const Call& call);
[[nodiscard]] AnswerTask list_multipart_uploads(const Call& call);

}  // namespace strata::s3
