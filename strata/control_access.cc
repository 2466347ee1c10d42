#include "strata/control_access.h"

#include <nlohmann/json.hpp>

#include "objstore/access/authorize.h"
#include "objstore/iam/principals.h"
#include "objstore/s3/bucket_rules.h"
#include "strata/control_accounts.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

Result<access::Caller> find_caller(const iam::Directory& directory, const std::string& account,
                                   const std::string& name) {
  const std::shared_ptr<const iam::State> state = directory.state();
  if (name == "anonymous") return access::Caller::anonymous();
  if (name == "root") return access::Caller::of(iam::root_principal(*state, account));
  constexpr std::string_view kRole = "role/";
  if (name.starts_with(kRole)) {
    const iam::Role* role = state->role(account, name.substr(kRole.size()));
    if (role == nullptr) return Error(Code::kNotFound, "there is no role " + name);
    return access::Caller::of(iam::role_principal(*state, *role, "explained"));
  }
  const iam::User* user = state->user(account, name);
  if (user == nullptr) {
    return Error(Code::kNotFound,
                 "there is no user " + name + ": name a user, role/NAME, root or anonymous");
  }
  return access::Caller::of(iam::user_principal(*state, *user));
}

// What is in a request's context when there is no request: who asks.
class CallerContext final : public access::Context {
 public:
  explicit CallerContext(const access::Principal& who) : who_(who) {}
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override {
    if (key == "aws:username") return one(who_.username);
    if (key == "aws:userid") return one(who_.user_id);
    if (key == "aws:principalarn") return one(who_.role_arn.empty() ? who_.arn : who_.role_arn);
    if (key == "aws:principalaccount") return one(who_.account);
    return std::nullopt;
  }

 private:
  static std::optional<std::vector<std::string>> one(const std::string& value) {
    if (value.empty()) return std::nullopt;
    return std::vector<std::string>{value};
  }
  const access::Principal& who_;
};

// The bucket as the S3 port sees it.
Result<s3::BucketRules> rules_of(const AccessGround& ground, const access::Resource& target) {
  if (target.bucket.empty()) return s3::BucketRules();
  TRY_ASSIGN(const object::BucketInfo bucket,
             ground.loops.run(ground.objects.bucket(std::string(target.bucket))));
  return s3::BucketRulesCache(ground.directory.owner_account()).rules_of(bucket);
}

// The object that is there, as far as access is concerned with it.
Result<access::ObjectSide> object_of(const AccessGround& ground, const access::Resource& target) {
  access::ObjectSide side;
  if (target.key.empty()) return side;
  object::VersionName name{std::string(target.bucket), std::string(target.key), {}};
  const Result<object::ObjectInfo> info =
      ground.loops.run(ground.objects.describe(std::move(name)));
  if (!info.ok()) return side;
  side.owner = info->extras.owner;
  if (!info->extras.acl.empty()) {
    TRY_ASSIGN(side.acl, access::decode_acl(info->extras.acl));
  }
  return side;
}

Result<nlohmann::json> explain(const AccessGround& ground, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string user, json_string(request, "user"));
  TRY_ASSIGN(const std::string action, json_string(request, "action"));
  TRY_ASSIGN(const std::string named, json_string(request, "resource"));
  std::string account = "-";
  if (request.contains("account")) {
    TRY_ASSIGN(account, json_string(request, "account"));
  }
  TRY_ASSIGN(account, account_id(ground.directory, account));
  TRY_ASSIGN(const access::Caller caller, find_caller(ground.directory, account, user));
  std::string_view resource = named;
  for (const std::string_view prefix : {"arn:aws:s3:::", "s3://"}) {
    if (resource.starts_with(prefix)) resource.remove_prefix(prefix.size());
  }
  const size_t slash = resource.find('/');
  const access::Resource target{resource.substr(0, slash), slash == std::string_view::npos
                                                               ? std::string_view()
                                                               : resource.substr(slash + 1)};
  const CallerContext context(*caller.principal);
  access::Trace trace;
  access::Decision decision;
  if (target.bucket.empty() || action == "s3:CreateBucket") {
    decision = access::authorize_own(caller, action, target.arn(), context, &trace);
  } else {
    TRY_ASSIGN(const s3::BucketRules rules, rules_of(ground, target));
    TRY_ASSIGN(const access::ObjectSide object, object_of(ground, target));
    decision = access::authorize(caller, action, target, context,
                                 {rules.owner, *rules.access, &object}, &trace);
  }
  return nlohmann::json{
      {"allowed", decision.allowed}, {"decision", decision.explain()}, {"trace", trace}};
}

}  // namespace

ControlRoute explain_access_route(AccessGround ground) {
  return [ground](const std::string& method, const std::string& path, const std::string& body) {
    if (method != "POST") {
      return control_error(Error(Code::kUnsupported, path + " takes POST"));
    }
    const Result<nlohmann::json> answer = explain(ground, body);
    if (!answer.ok()) return control_error(answer.error());
    return ControlAnswer{200, dump_json(*answer)};
  };
}

}  // namespace strata::roof
