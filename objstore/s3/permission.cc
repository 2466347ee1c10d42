#include "objstore/s3/permission.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"
#include "objstore/access/authorize.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/request_context.h"
#include "objstore/s3/versions.h"

namespace strata::s3 {

namespace {

struct VersionedAction {
  std::string_view action;
  std::string_view of_version;  // when the request names one
};
constexpr VersionedAction kVersionedActions[] = {
    {"s3:GetObject", "s3:GetObjectVersion"},
    {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    {"s3:GetObjectAcl", "s3:GetObjectVersionAcl"},
    {"s3:PutObjectAcl", "s3:PutObjectVersionAcl"},
    {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
    {"s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
    {"s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"},
    {"s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"},
};

std::string_view versioned(std::string_view action, bool names_version) {
  if (!names_version) return action;
  for (const VersionedAction& row : kVersionedActions) {
    if (row.action == action) return row.of_version;
  }
  return action;
}

// Who asks, of what, in which circumstances.
struct Inquiry {
  const Service& service;
  const VerifiedRequest& request;
  const BucketRules& rules;
  access::Resource resource;
  const object::Extras* object = nullptr;
  const Stated& stated;
};

const Stated kNothingStated;

Result<bool> decide(const Inquiry& inquiry, std::string_view action) {
  const access::Caller& caller = inquiry.request.caller();
  const BucketRules& rules = inquiry.rules;
  const bool of_bucket = !rules.name.empty();
  if (!action.empty() && of_bucket && access::owner_decides(caller, rules.owner, *rules.access)) {
    return true;
  }
  const Surroundings surroundings{inquiry.service.clock.wall_now(), inquiry.service.region,
                                  of_bucket ? std::string_view(rules.owner) : std::string_view()};
  const RequestContext context(inquiry.request, surroundings,
                               inquiry.object == nullptr ? nullptr : &inquiry.object->tags,
                               inquiry.stated);
  access::Decision decision;
  if (of_bucket) {
    access::ObjectSide object;
    if (inquiry.object != nullptr) {
      object.owner = inquiry.object->owner;
      if (!inquiry.object->acl.empty()) {
        TRY_ASSIGN(object.acl, access::decode_acl(inquiry.object->acl));
      }
    }
    const access::BucketSide side{rules.owner, *rules.access,
                                  inquiry.object == nullptr ? nullptr : &object};
    decision = access::authorize(caller, action, inquiry.resource, context, side);
  } else {
    decision = access::authorize_own(caller, action, inquiry.resource.arn(), context);
  }
  if (!decision.allowed && log::enabled(log::Level::kDebug)) {
    log::debug("s3.denied", {{"action", action}, {"why", decision.explain()}});
  }
  return decision.allowed;
}

Status demand(const Inquiry& inquiry, std::string_view action) {
  TRY_ASSIGN(const bool allowed, decide(inquiry, action));
  if (allowed) return {};
  return access_denied();
}

bool reads_object_tags(const std::vector<access::NamedPolicy>& policies) {
  return std::any_of(policies.begin(), policies.end(), [](const access::NamedPolicy& policy) {
    return policy.policy->reads_object_tags;
  });
}

// Whether the decision depends on the object that is there: on its owner, its access control list
// or its tags.
bool depends_on_object(const access::Caller& caller, const BucketRules& rules,
                       std::string_view action) {
  if (access::needs_object(*rules.access, action)) return true;
  if (!access::is_about_object(action)) return false;
  const access::Principal& who = *caller.principal;
  const auto& policy = rules.access->policy.policy;
  return (policy != nullptr && policy->reads_object_tags) || reads_object_tags(who.policies) ||
         reads_object_tags(who.session_policies);
}

// What is there, if the decision depends on it. A version that is not there is none: what the
// caller may learn of that is decided later.
async::Task<Result<std::optional<object::Extras>>> object_in_question(Service& service,
                                                                      const access::Caller& caller,
                                                                      const BucketRules& rules,
                                                                      std::string_view action,
                                                                      object::VersionName name) {
  if (!depends_on_object(caller, rules, action)) co_return std::optional<object::Extras>();
  Result<object::ObjectInfo> info = co_await service.store.describe(std::move(name));
  if (info.ok()) co_return std::optional<object::Extras>(std::move(info->extras));
  const Code why = info.error().code;
  if (why != Code::kNotFound && why != Code::kInvalidArgument) co_return std::move(info).error();
  co_return std::optional<object::Extras>();
}

}  // namespace

Error access_denied() {
  return {Code::kPermissionDenied, code::kAccessDenied, "Access Denied"};
}

async::Task<Result<BucketRules>> find_rules(Service& service, std::string bucket) {
  CO_TRY_ASSIGN(const object::BucketInfo info, co_await service.store.bucket(std::move(bucket)));
  co_return service.rules.rules_of(info);
}

async::Task<Status> admit_action(Service& service, const OperationInfo& operation,
                                 const VerifiedRequest& request, const BucketRules& rules) {
  Status admitted = co_await admit_stated(service, operation, request, rules, kNothingStated);
  co_return std::move(admitted);
}

async::Task<Status> admit_stated(Service& service, const OperationInfo& operation,
                                 const VerifiedRequest& request, const BucketRules& rules,
                                 const Stated& stated) {
  const bool names_version = operation.level == Level::kObject && request.query().has("versionId");
  const std::string_view action = versioned(operation.action, names_version);
  Inquiry inquiry{service, request, rules, {request.bucket(), request.key()}, nullptr, stated};
  std::optional<object::Extras> object;
  if (!request.key().empty() && !rules.name.empty()) {
    object::VersionName name{request.bucket(), request.key(), {}};
    if (names_version) name.version_id = std::string(request.query().get("versionId"));
    CO_TRY_ASSIGN(object, co_await object_in_question(service, request.caller(), rules, action,
                                                      std::move(name)));
    if (object) inquiry.object = &*object;
  }
  CO_TRY(demand(inquiry, action));
  // What an object is made of is told to those who may read it.
  if (operation.handler == get_object_attributes) {
    CO_TRY(demand(inquiry, versioned("s3:GetObject", names_version)));
  }
  co_return Status();
}

bool asks_when_read(Handler handler) noexcept {
  return handler == delete_objects || handler == put_object_tagging ||
         handler == put_object_retention || handler == put_object_legal_hold;
}

bool may(const Call& call, std::string_view action, std::string_view bucket, std::string_view key,
         const object::Extras* object) {
  CHECK(bucket == call.request.bucket());
  const Result<bool> allowed = decide(
      {call.service, call.request, call.rules, {bucket, key}, object, kNothingStated}, action);
  return allowed.ok() && *allowed;
}

Status require(const Call& call, std::string_view action, std::string_view bucket,
               std::string_view key) {
  if (may(call, action, bucket, key)) return {};
  return access_denied();
}

async::Task<Result<BucketRules>> require_source(const Call& call, const CopySource& source) {
  CO_TRY_ASSIGN(BucketRules rules, co_await find_rules(call.service, source.bucket));
  const std::string* expected = call.request.fields().find("x-amz-source-expected-bucket-owner");
  if (expected != nullptr && *expected != rules.owner) co_return access_denied();
  const std::string_view action = source.version_id ? "s3:GetObjectVersion" : "s3:GetObject";
  object::VersionName name{source.bucket, source.key, source.version_id};
  CO_TRY_ASSIGN(const std::optional<object::Extras> object,
                co_await object_in_question(call.service, call.request.caller(), rules, action,
                                            std::move(name)));
  const Inquiry inquiry{
      call.service,  call.request, rules, {source.bucket, source.key}, object ? &*object : nullptr,
      kNothingStated};
  CO_TRY(demand(inquiry, action));
  co_return std::move(rules);
}

async::Task<Result<bool>> may_copy_tags(const Call& call, const CopySource& source,
                                        const BucketRules& source_rules) {
  if (!may(call, "s3:PutObjectTagging", call.request.bucket(), call.request.key())) {
    co_return false;
  }
  const std::string_view action = versioned("s3:GetObjectTagging", source.version_id.has_value());
  object::VersionName name{source.bucket, source.key, source.version_id};
  CO_TRY_ASSIGN(const std::optional<object::Extras> object,
                co_await object_in_question(call.service, call.request.caller(), source_rules,
                                            action, std::move(name)));
  const Inquiry inquiry{call.service,
                        call.request,
                        source_rules,
                        {source.bucket, source.key},
                        object ? &*object : nullptr,
                        kNothingStated};
  co_return decide(inquiry, action);
}

Status require_match(const Call& call, const object::Conditions& conditions, std::string_view key) {
  if (!conditions.if_match || *conditions.if_match == "*") return {};
  return require(call, "s3:GetObject", call.request.bucket(), key);
}

Error source_error(const Call& call, const BucketRules& source, Error error) {
  if (error.reason == object::reason::kIsDeleteMarker) {
    return {Code::kInvalidArgument, code::kInvalidRequest,
            "The source of a copy request may not specifically refer to a delete marker by version "
            "id."};
  }
  if (error.reason != object::reason::kNoSuchKey && error.reason != object::reason::kDeleted) {
    return error;
  }
  const Inquiry inquiry{call.service,      call.request, source,
                        {source.name, {}}, nullptr,      kNothingStated};
  const Result<bool> allowed = decide(inquiry, "s3:ListBucket");
  return allowed.ok() && *allowed ? error : access_denied();
}

bool says_missing(const Result<Answer>& answer) noexcept {
  const auto missing = [](const Error& error) {
    return error.reason == object::reason::kNoSuchKey || error.reason == object::reason::kDeleted;
  };
  if (!answer.ok()) return missing(answer.error());
  return answer->error && missing(*answer->error);
}

}  // namespace strata::s3
