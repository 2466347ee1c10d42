#include "objstore/iam/tags.h"

#include <fmt/format.h>
#include <algorithm>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/iam/operations.h"

namespace strata::iam {

namespace {

Error too_many_tags() {
  return error(code::kLimitExceeded,
               fmt::format("The number of tags has reached the maximum limit of {}.", kTagsMax));
}

constexpr std::string_view kSigns = " _.:/=+-@";

// Letters of any language, digits, spaces and _.:/=+-@.
bool is_tag_text(std::string_view text) {
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    return !ascii || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSigns.find(c) != std::string_view::npos;
  });
  return letters && codec::is_utf8(text);
}

Status check_tag(const std::string& key, const std::string& value) {
  if (key.empty() || key.size() > kTagKeyBytesMax || !is_tag_text(key)) {
    return error(code::kValidationError,
                 "1 validation error detected: Value at 'tags.member.key' failed to satisfy "
                 "constraint: Member must have 1 to 128 letters, digits, spaces and _.:/=+-@");
  }
  if (value.size() > kTagValueBytesMax || !is_tag_text(value)) {
    return error(code::kValidationError,
                 "1 validation error detected: Value at 'tags.member.value' failed to satisfy "
                 "constraint: Member must have at most 256 letters, digits, spaces and _.:/=+-@");
  }
  if (ascii_lower(key.substr(0, 4)) == "aws:") {
    return error(code::kInvalidInput,
                 "The tag key " + key + " is reserved: keys that begin with aws: are AWS's own.");
  }
  return {};
}

Tags::iterator position_of(Tags& tags, std::string_view key) {
  return std::find_if(tags.begin(), tags.end(),
                      [key](const auto& tag) { return ascii_iequals(tag.first, key); });
}

Status list_tags(ApiCall& call, const Tags& tags) {
  // Pages are cut by place: tags have the order in which they were given.
  std::vector<std::string> places;
  places.reserve(tags.size());
  for (size_t i = 0; i < tags.size(); ++i) places.push_back(fmt::format("{:04}", i));
  TRY_ASSIGN(const Page page, page_of(call, places));
  call.xml.open("Tags");
  for (size_t i = page.begin; i < page.end; ++i) {
    call.xml.open("member").element("Key", tags[i].first).element("Value", tags[i].second).close();
  }
  call.xml.close();
  write_page_end(call, page, places);
  return {};
}

template <typename Entity>
Status tag(ApiCall& call, Result<Entity> entity) {
  if (!entity.ok()) return std::move(entity).error();
  TRY_ASSIGN(const Tags tags, stated_tags(call));
  TRY(add_tags(entity->tags, tags));
  call.draft->put(std::move(*entity));
  return {};
}

template <typename Entity>
Status untag(ApiCall& call, Result<Entity> entity) {
  if (!entity.ok()) return std::move(entity).error();
  for (const std::string& key : call.members("TagKeys")) {
    const auto found = position_of(entity->tags, key);
    if (found != entity->tags.end()) entity->tags.erase(found);
  }
  call.draft->put(std::move(*entity));
  return {};
}

// AWS's own policies are nobody's to change.
Result<ManagedPolicy> need_policy_to_tag(const ApiCall& call) {
  TRY_ASSIGN(ManagedPolicy policy, need_policy(call));
  if (policy.account != call.account()) {
    return Error(Code::kPermissionDenied, code::kAccessDenied,
                 "Tags of AWS managed policies cannot be changed.");
  }
  return policy;
}

}  // namespace

Tags requested_tags(const Parameters& parameters) {
  Tags tags;
  // One more than there may be, so that too many are told from enough.
  for (size_t i = 1; i <= kTagsMax + 1; ++i) {
    const auto key = parameters.find(fmt::format("Tags.member.{}.Key", i));
    if (key == parameters.end()) break;
    const auto value = parameters.find(fmt::format("Tags.member.{}.Value", i));
    tags.emplace_back(key->second, value == parameters.end() ? std::string() : value->second);
  }
  return tags;
}

std::vector<std::string> requested_tag_keys(const Parameters& parameters) {
  std::vector<std::string> keys;
  for (auto& [key, value] : requested_tags(parameters)) keys.push_back(key);
  for (size_t i = 1; i <= kTagsMax; ++i) {
    const auto key = parameters.find(fmt::format("TagKeys.member.{}", i));
    if (key == parameters.end()) break;
    keys.push_back(key->second);
  }
  return keys;
}

Result<Tags> stated_tags(const ApiCall& call) {
  Tags tags;
  for (auto& [key, value] : requested_tags(call.parameters)) {
    TRY(check_tag(key, value));
    if (find_tag(tags, key) != nullptr) {
      return error(code::kInvalidInput,
                   "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    if (tags.size() == kTagsMax) return too_many_tags();
    tags.emplace_back(key, value);
  }
  return tags;
}

Status add_tags(Tags& into, const Tags& more) {
  for (const auto& one : more) {
    const auto found = position_of(into, one.first);
    if (found != into.end()) {
      *found = one;
      continue;
    }
    if (into.size() == kTagsMax) return too_many_tags();
    into.push_back(one);
  }
  return {};
}

const std::string* find_tag(const Tags& tags, std::string_view key) {
  for (const auto& [name, value] : tags) {
    if (ascii_iequals(name, key)) return &value;
  }
  return nullptr;
}

void write_tags(codec::XmlWriter& xml, const Tags& tags) {
  if (tags.empty()) return;
  xml.open("Tags");
  for (const auto& [key, value] : tags) {
    xml.open("member").element("Key", key).element("Value", value).close();
  }
  xml.close();
}

Status tag_user(ApiCall& call) {
  return tag(call, need_user(call));
}
Status untag_user(ApiCall& call) {
  return untag(call, need_user(call));
}
Status list_user_tags(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user(call));
  return list_tags(call, user.tags);
}

Status tag_role(ApiCall& call) {
  return tag(call, need_role(call));
}
Status untag_role(ApiCall& call) {
  return untag(call, need_role(call));
}
Status list_role_tags(ApiCall& call) {
  TRY_ASSIGN(const Role role, need_role(call));
  return list_tags(call, role.tags);
}

Status tag_policy(ApiCall& call) {
  return tag(call, need_policy_to_tag(call));
}
Status untag_policy(ApiCall& call) {
  return untag(call, need_policy_to_tag(call));
}
Status list_policy_tags(ApiCall& call) {
  TRY_ASSIGN(const ManagedPolicy policy, need_policy(call));
  return list_tags(call, policy.tags);
}

}  // namespace strata::iam
