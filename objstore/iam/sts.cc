// Temporary credentials.
//
// Source: AWS Security Token Service API reference.
#include <algorithm>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/access/evaluate.h"
#include "objstore/iam/operations.h"
#include "objstore/iam/principals.h"
#include "objstore/iam/tags.h"

namespace strata::iam {

namespace {

constexpr uint64_t kSecondsMin = 900;
constexpr uint64_t kRoleSecondsUsual = 3600;
constexpr uint64_t kUserSecondsUsual = 43'200;
constexpr uint64_t kUserSecondsMax = 129'600;
constexpr uint64_t kRootSecondsMax = 3600;
constexpr size_t kSessionNameBytesMin = 2;
constexpr size_t kSessionNameBytesMax = 64;
constexpr size_t kSessionPolicyArnsMax = 10;
constexpr std::string_view kAssumeRole = "sts:AssumeRole";
constexpr std::string_view kTagSession = "sts:TagSession";
constexpr size_t kTokenBytes = 120;
// Of the expired, this many go with each new one, so that none stays for ever.
constexpr size_t kExpiredAtOnce = 100;

Result<uint64_t> duration(const ApiCall& call, uint64_t usual, uint64_t longest) {
  const std::string* text = call.find("DurationSeconds");
  if (text == nullptr) return std::min(usual, longest);
  const auto seconds = parse_u64(*text);
  if (!seconds || *seconds < kSecondsMin) {
    return error(code::kValidationError,
                 "1 validation error detected: Value '" + text->substr(0, 32) +
                     "' at 'durationSeconds' failed to satisfy constraint: Member must have value "
                     "greater than or equal to 900");
  }
  if (*seconds > longest) {
    return error(code::kValidationError,
                 "The requested DurationSeconds exceeds the maximum session duration of " +
                     std::to_string(longest) + " seconds.");
  }
  return *seconds;
}

Status sweep_expired(ApiCall& call) {
  std::vector<std::string> expired;
  for (const auto& [row, session] : call.state.sessions) {
    if (session->expires_ms > call.now_ms()) continue;
    expired.push_back(row);
    if (expired.size() == kExpiredAtOnce) break;
  }
  for (const std::string& row : expired) call.draft->erase(row);
  if (call.state.sessions.size() >= kSessionsMax) {
    return error(code::kLimitExceeded,
                 "There are 10,000 live sessions already: wait for some to "
                 "expire.");
  }
  return {};
}

Session new_session(ApiCall& call, uint64_t seconds) {
  Session session;
  session.key = make_key(call.state, call.random, "ASIA", call.now_ms());
  std::string token(kTokenBytes, '\0');
  call.random.fill(MutableBytes(reinterpret_cast<std::byte*>(token.data()), token.size()));
  session.token = codec::to_base64(token);
  session.expires_ms = call.now_ms() + static_cast<int64_t>(seconds) * 1000;
  return session;
}

void write_credentials(codec::XmlWriter& xml, const Session& session) {
  xml.open("Credentials").element("AccessKeyId", session.key.id);
  xml.element("SecretAccessKey", session.key.secret).element("SessionToken", session.token);
  xml.element("Expiration", iso_time(session.expires_ms)).close();
}

Status narrow(const ApiCall& call, Session& session) {
  if (call.find("Policy") != nullptr) {
    Result<Document> document = need_document(call, "Policy", access::PolicyKind::kIdentity,
                                              access::kSessionPolicyBytesMax);
    if (!document.ok() && document.error().reason == code::kLimitExceeded) {
      return error(code::kPackedPolicyTooLarge, "A session policy has at most 2048 characters.");
    }
    if (!document.ok()) return std::move(document).error();
    session.policies.push_back(std::move(*document));
    session.narrowed = true;
  }
  const std::vector<std::string> arns = call.members("PolicyArns", "arn");
  if (arns.size() > kSessionPolicyArnsMax) {
    return error(code::kPackedPolicyTooLarge, "A session has at most 10 policy ARNs.");
  }
  for (const std::string& arn : arns) {
    const ManagedPolicy* policy = call.state.policy_by_arn(arn);
    if (policy == nullptr || (policy->account != "aws" && policy->account != session.account)) {
      return error(code::kInvalidInput, "The policy " + arn + " does not exist.");
    }
    session.policies.push_back(policy->find(policy->default_version)->document);
    session.narrowed = true;
  }
  return {};
}

// What a trust policy may ask about.
class TrustContext final : public access::Context {
 public:
  explicit TrustContext(const ApiCall& call) : call_(call) {}
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override {
    const access::Principal& who = *call_.caller.principal;
    if (key == "aws:principalarn") return one(who.arn);
    if (key == "aws:principalaccount") return one(who.account);
    if (key == "aws:userid") return one(who.user_id);
    if (key == "aws:username") return one(who.username);
    if (key == "sts:externalid") return parameter("ExternalId");
    if (key == "sts:rolesessionname") return parameter("RoleSessionName");
    if (key == "aws:currenttime") return one(iso_time(call_.now_ms()));
    if (key == "aws:tagkeys") {
      std::vector<std::string> keys = requested_tag_keys(call_.parameters);
      return keys.empty() ? std::nullopt : std::optional(std::move(keys));
    }
    constexpr std::string_view kCallers = "aws:principaltag/";
    constexpr std::string_view kPassed = "aws:requesttag/";
    if (key.starts_with(kCallers)) {
      return if_there(access::principal_tag(who, key.substr(kCallers.size())));
    }
    if (key.starts_with(kPassed)) {
      return if_there(find_tag(requested_tags(call_.parameters), key.substr(kPassed.size())));
    }
    return std::nullopt;
  }

 private:
  static std::optional<std::vector<std::string>> one(const std::string& value) {
    if (value.empty()) return std::nullopt;
    return std::vector<std::string>{value};
  }
  static std::optional<std::vector<std::string>> if_there(const std::string* value) {
    if (value == nullptr) return std::nullopt;
    return std::vector<std::string>{*value};
  }
  [[nodiscard]] std::optional<std::vector<std::string>> parameter(std::string_view name) const {
    const std::string* value = call_.find(name);
    return value == nullptr ? std::nullopt : one(*value);
  }
  const ApiCall& call_;
};

Error may_not_assume(const ApiCall& call, const std::string& arn,
                     std::string_view action = kAssumeRole) {
  return {Code::kPermissionDenied, code::kAccessDenied,
          "User: " + call.caller.principal->arn +
              " is not authorized to perform: " + std::string(action) + " on resource: " + arn};
}

// The role of an ARN, of any account; null if there is none.
const Role* find_role(const State& state, const std::string& arn) {
  constexpr std::string_view kIam = "arn:aws:iam::";
  constexpr size_t kAccountDigits = 12;
  if (!arn.starts_with(kIam) || arn.size() < kIam.size() + kAccountDigits) return nullptr;
  const std::string account = arn.substr(kIam.size(), kAccountDigits);
  const Role* role = state.role(account, arn.substr(arn.rfind('/') + 1));
  return role != nullptr && role_arn(*role) == arn ? role : nullptr;
}

// kAssumeRole, and to pass tags kTagSession too.
Status check_trust(const ApiCall& call, const Role& role, const std::string& arn,
                   std::string_view action) {
  const TrustContext context(call);
  const access::NamedPolicy trust{"trust policy of " + role.name, role.trust.policy};
  access::ResourceSide side;
  side.account = role.account;
  side.policy = &trust;
  const access::Decision decision =
      access::evaluate(*call.caller.principal, {action, arn, &context}, side);
  // Being of the same account is not enough: the role has to trust somebody.
  if (!decision.allowed ||
      access::ask_policy(trust, *call.caller.principal, {action, arn, &context}).says !=
          access::Says::kAllow) {
    return may_not_assume(call, arn, action);
  }
  return {};
}

}  // namespace

Status get_caller_identity(ApiCall& call) {
  const access::Principal& who = *call.caller.principal;
  call.xml.element("Arn", who.arn).element("UserId", who.user_id).element("Account", who.account);
  return {};
}

Status assume_role(ApiCall& call) {
  TRY_ASSIGN(const std::string arn, call.need("RoleArn", kArnBytesMax));
  TRY_ASSIGN(const std::string name, call.need_name("RoleSessionName", kSessionNameBytesMax));
  if (name.size() < kSessionNameBytesMin) {
    return error(code::kValidationError, "A RoleSessionName has at least 2 characters.");
  }
  if (call.caller.kind == access::CallerKind::kRoot) {
    return Error(Code::kPermissionDenied, code::kAccessDenied,
                 "Roles may not be assumed by root accounts.");
  }
  const Role* role = find_role(call.state, arn);
  // Whether it exists is not for everybody to know.
  if (role == nullptr) return may_not_assume(call, arn);
  TRY(check_trust(call, *role, arn, kAssumeRole));
  TRY_ASSIGN(const Tags tags, stated_tags(call));
  if (!tags.empty()) TRY(check_trust(call, *role, arn, kTagSession));
  TRY_ASSIGN(const uint64_t seconds, duration(call, kRoleSecondsUsual, role->session_seconds_max));
  Session session = new_session(call, seconds);
  session.account = role->account;
  session.role = role->name;
  session.holder_id = role->id;
  session.name = name;
  session.tags = role->tags;
  TRY(add_tags(session.tags, tags));
  TRY(narrow(call, session));
  write_credentials(call.xml, session);
  call.xml.open("AssumedRoleUser").element("AssumedRoleId", role->id + ":" + name);
  call.xml.element("Arn",
                   "arn:aws:sts::" + role->account + ":assumed-role/" + role->name + "/" + name);
  call.xml.close();
  if (session.narrowed) {
    size_t bytes = 0;
    for (const Document& document : session.policies) bytes += document.text.size();
    const size_t percent = std::min<size_t>(100, bytes * 100 / access::kSessionPolicyBytesMax);
    call.xml.element("PackedPolicySize", static_cast<uint64_t>(percent));
  }
  TRY(sweep_expired(call));
  call.draft->put(std::move(session));
  return {};
}

Status get_session_token(ApiCall& call) {
  const access::Principal& who = *call.caller.principal;
  if (who.kind == access::CallerKind::kRole || who.token_issued_ms != 0) {
    return Error(Code::kPermissionDenied, code::kAccessDenied,
                 "Cannot call GetSessionToken with session credentials");
  }
  const bool root = who.kind == access::CallerKind::kRoot;
  TRY_ASSIGN(const uint64_t seconds,
             duration(call, kUserSecondsUsual, root ? kRootSecondsMax : kUserSecondsMax));
  Session session = new_session(call, seconds);
  session.account = who.account;
  session.user = who.username;
  session.holder_id = who.user_id;
  write_credentials(call.xml, session);
  TRY(sweep_expired(call));
  call.draft->put(std::move(session));
  return {};
}

}  // namespace strata::iam
