#include "objstore/iam/api_call.h"

#include <algorithm>
#include <array>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "objstore/iam/entity_codec.h"

namespace strata::iam {

namespace {

constexpr uint64_t kPageMax = 1000;
constexpr uint64_t kPageUsual = 100;
constexpr size_t kMembersMax = 100;

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("+=,.@_-").find(c) != std::string_view::npos;
}

Error invalid(std::string_view parameter, std::string_view rule) {
  std::string text = "1 validation error detected: Value at '";
  text.append(parameter).append("' failed to satisfy constraint: ").append(rule);
  return {Code::kInvalidArgument, code::kValidationError, std::move(text)};
}

}  // namespace

Error error(std::string_view code, std::string text) {
  return {Code::kInvalidArgument, code, std::move(text)};
}

Error no_such(std::string_view what, std::string_view name) {
  std::string text = "The ";
  text.append(what).append(" with name ").append(name).append(" cannot be found.");
  return {Code::kNotFound, code::kNoSuchEntity, std::move(text)};
}

const std::string* ApiCall::find(std::string_view name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? nullptr : &found->second;
}

Result<std::string> ApiCall::need(std::string_view name, size_t bytes_max) const {
  const std::string* value = find(name);
  if (value == nullptr || value->empty()) return invalid(name, "Member must not be null");
  if (value->size() > bytes_max) {
    return invalid(name,
                   "Member must have length less than or equal to " + std::to_string(bytes_max));
  }
  return *value;
}

Result<std::string> ApiCall::need_name(std::string_view parameter, size_t bytes_max) const {
  TRY_ASSIGN(std::string name, need(parameter, bytes_max));
  if (!std::all_of(name.begin(), name.end(), is_name_letter)) {
    return error(code::kValidationError, "The specified value for " + std::string(parameter) +
                                             " is invalid. It must contain only alphanumeric "
                                             "characters and/or the following: +=,.@_-");
  }
  return name;
}

Result<std::string> ApiCall::path(std::string_view parameter) const {
  const std::string* path = find(parameter);
  if (path == nullptr || path->empty()) return std::string("/");
  const bool good = path->size() <= kPathBytesMax && path->front() == '/' && path->back() == '/' &&
                    std::all_of(path->begin(), path->end(),
                                [](char c) { return c > 0x20 && c < 0x7f && c != '*'; });
  if (!good) {
    return error(code::kValidationError,
                 "The specified value for path is invalid. It must begin and end with / and "
                 "contain only printable ASCII characters, at most 512.");
  }
  return *path;
}

std::vector<std::string> ApiCall::members(std::string_view name, std::string_view field) const {
  std::vector<std::string> out;
  for (size_t i = 1; i <= kMembersMax; ++i) {
    std::string parameter = std::string(name) + ".member." + std::to_string(i);
    if (!field.empty()) parameter.append(".").append(field);
    const std::string* value = find(parameter);
    if (value == nullptr) break;
    out.push_back(*value);
  }
  return out;
}

Result<Page> page_of(const ApiCall& call, const std::vector<std::string>& names) {
  uint64_t items_max = kPageUsual;
  if (const std::string* text = call.find("MaxItems")) {
    const auto number = parse_u64(*text);
    if (!number || *number == 0 || *number > kPageMax) {
      return invalid("maxItems", "Member must have value between 1 and 1000");
    }
    items_max = *number;
  }
  Page page;
  if (const std::string* marker = call.find("Marker")) {
    const auto after = codec::from_base64(*marker);
    if (!after) return error(code::kValidationError, "Invalid Marker.");
    page.begin =
        static_cast<size_t>(std::upper_bound(names.begin(), names.end(), *after) - names.begin());
  }
  page.end = std::min(names.size(), page.begin + items_max);
  page.truncated = page.end < names.size();
  return page;
}

void write_page_end(const ApiCall& call, const Page& page, const std::vector<std::string>& names) {
  call.xml.element("IsTruncated", page.truncated);
  if (page.truncated) call.xml.element("Marker", codec::to_base64(names[page.end - 1]));
}

std::string iso_time(int64_t time_ms) {
  // IAM writes whole seconds.
  std::string text = codec::format_iso8601(io::WallTime(std::chrono::milliseconds(time_ms)));
  const size_t dot = text.find('.');
  return dot == std::string::npos ? text : text.substr(0, dot) + "Z";
}

std::string random_id(RandomSource& random, std::string_view prefix, size_t letters) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(prefix);
  for (size_t i = 0; i < letters; ++i) id += kLetters[random.below(kLetters.size())];
  return id;
}

std::string random_secret(RandomSource& random) {
  std::array<std::byte, 30> bytes{};
  random.fill(bytes);
  return codec::to_base64(as_text(bytes));
}

AccessKey make_key(const State& state, RandomSource& random, std::string_view prefix,
                   int64_t now_ms) {
  constexpr size_t kLetters = 16;
  AccessKey key;
  do key.id = random_id(random, prefix, kLetters);
  while (state.key_is_taken(key.id));
  key.secret = random_secret(random);
  key.created_ms = now_ms;
  return key;
}

Result<User> need_user(const ApiCall& call) {
  TRY_ASSIGN(const std::string name, call.need_name("UserName", kUserNameBytesMax));
  const User* user = call.state.user(call.account(), name);
  if (user == nullptr) return no_such("user", name);
  return *user;
}

Result<User> need_user_or_caller(const ApiCall& call) {
  if (call.find("UserName") != nullptr) return need_user(call);
  const std::string& name = call.caller.principal->username;
  const User* user = call.state.user(call.account(), name);
  if (user == nullptr) {
    return error(code::kValidationError,
                 "Must specify userName when calling with non-User credentials");
  }
  return *user;
}

Result<UserGroup> need_group(const ApiCall& call) {
  TRY_ASSIGN(const std::string name, call.need_name("GroupName", kGroupNameBytesMax));
  const UserGroup* group = call.state.group(call.account(), name);
  if (group == nullptr) return no_such("group", name);
  return *group;
}

Result<Role> need_role(const ApiCall& call) {
  TRY_ASSIGN(const std::string name, call.need_name("RoleName", kRoleNameBytesMax));
  const Role* role = call.state.role(call.account(), name);
  if (role == nullptr) return no_such("role", name);
  return *role;
}

Result<ManagedPolicy> need_policy(const ApiCall& call) {
  TRY_ASSIGN(const std::string arn, call.need("PolicyArn", kArnBytesMax));
  if (!arn.starts_with("arn:")) {
    return error(code::kInvalidInput, "ARN " + arn + " is not valid.");
  }
  const ManagedPolicy* policy = call.state.policy_by_arn(arn);
  if (policy == nullptr || (policy->account != "aws" && policy->account != call.account())) {
    return Error(Code::kNotFound, code::kNoSuchEntity,
                 "Policy " + arn + " does not exist or is not attachable.");
  }
  return *policy;
}

Result<Document> need_document(const ApiCall& call, std::string_view parameter,
                               access::PolicyKind kind, size_t bytes_max) {
  TRY_ASSIGN(const std::string text, call.need(parameter, access::kPolicyBytesMax));
  // White space does not count.
  const auto counted = std::count_if(text.begin(), text.end(), [](char c) {
    return c != ' ' && c != '\n' && c != '\t' && c != '\r';
  });
  if (static_cast<size_t>(counted) > bytes_max) {
    return error(code::kLimitExceeded,
                 "Cannot exceed quota for PolicySize: " + std::to_string(bytes_max));
  }
  Result<Document> document = read_document(text, kind);
  if (!document.ok()) {
    return error(code::kMalformedPolicyDocument, document.error().message);
  }
  return document;
}

}  // namespace strata::iam
