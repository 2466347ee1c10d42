#include "objstore/iam/entity_codec.h"

#include <functional>
#include <nlohmann/json.hpp>

namespace strata::iam {

namespace {

using Json = nlohmann::json;

// nlohmann's exceptions end here: whatever is missing or of another type makes the row corrupt.
Status decode_with(std::string_view text, const std::function<Status(const Json&)>& read) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return Error(Code::kCorrupt, "a row of the directory is no JSON object");
  }
  try {
    Status done = read(json);
    if (!done.ok()) return Error(Code::kCorrupt, "a row of the directory: " + done.error().message);
    return {};
  } catch (const Json::exception& failure) {
    return Error(Code::kCorrupt, std::string("a row of the directory: ") + failure.what());
  }
}

Json key_json(const AccessKey& key) {
  return {{"id", key.id},
          {"secret", key.secret},
          {"active", key.active},
          {"created_ms", key.created_ms}};
}

AccessKey read_key(const Json& json) {
  return {json.at("id").get<std::string>(), json.at("secret").get<std::string>(),
          json.at("active").get<bool>(), json.at("created_ms").get<int64_t>()};
}

Json holder_json(const Holder& holder) {
  Json json = {{"account", holder.account},
               {"name", holder.name},
               {"path", holder.path},
               {"id", holder.id},
               {"created_ms", holder.created_ms},
               {"attached", holder.attached},
               {"inline", Json::object()}};
  for (const auto& [name, document] : holder.inline_policies) json["inline"][name] = document.text;
  return json;
}

Status read_holder(const Json& json, Holder& into) {
  into.account = json.at("account").get<std::string>();
  into.name = json.at("name").get<std::string>();
  into.path = json.at("path").get<std::string>();
  into.id = json.at("id").get<std::string>();
  into.created_ms = json.at("created_ms").get<int64_t>();
  into.attached = json.at("attached").get<std::set<std::string>>();
  for (const auto& [name, text] : json.at("inline").items()) {
    TRY_ASSIGN(into.inline_policies[name],
               read_document(text.get<std::string>(), access::PolicyKind::kIdentity));
  }
  return {};
}

// Rows that are older than tags have none.
Tags read_tags(const Json& json) {
  const auto found = json.find("tags");
  return found == json.end() ? Tags() : found->get<Tags>();
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Result<Document> read_document(std::string_view text, access::PolicyKind kind) {
  TRY_ASSIGN(access::Policy policy, access::parse_policy(text, kind));
  return Document{std::string(text), std::make_shared<const access::Policy>(std::move(policy))};
}

std::string encode(const Account& account) {
  return dump({{"id", account.id},
               {"name", account.name},
               {"canonical_id", account.canonical_id},
               {"root_key", key_json(account.root_key)},
               {"created_ms", account.created_ms}});
}

Status decode(std::string_view text, Account& into) {
  return decode_with(text, [&](const Json& json) -> Status {
    into.id = json.at("id").get<std::string>();
    into.name = json.at("name").get<std::string>();
    into.canonical_id = json.at("canonical_id").get<std::string>();
    into.root_key = read_key(json.at("root_key"));
    into.created_ms = json.at("created_ms").get<int64_t>();
    return {};
  });
}

std::string encode(const User& user) {
  Json json = holder_json(user);
  json["groups"] = user.groups;
  json["tags"] = user.tags;
  json["keys"] = Json::array();
  for (const AccessKey& key : user.keys) json["keys"].push_back(key_json(key));
  return dump(json);
}

Status decode(std::string_view text, User& into) {
  return decode_with(text, [&](const Json& json) -> Status {
    TRY(read_holder(json, into));
    into.groups = json.at("groups").get<std::set<std::string>>();
    into.tags = read_tags(json);
    for (const Json& key : json.at("keys")) into.keys.push_back(read_key(key));
    return {};
  });
}

std::string encode(const UserGroup& group) {
  return dump(holder_json(group));
}

Status decode(std::string_view text, UserGroup& into) {
  return decode_with(text, [&](const Json& json) { return read_holder(json, into); });
}

std::string encode(const Role& role) {
  Json json = holder_json(role);
  json["trust"] = role.trust.text;
  json["tags"] = role.tags;
  json["description"] = role.description;
  json["session_seconds_max"] = role.session_seconds_max;
  return dump(json);
}

Status decode(std::string_view text, Role& into) {
  return decode_with(text, [&](const Json& json) -> Status {
    TRY(read_holder(json, into));
    TRY_ASSIGN(into.trust,
               read_document(json.at("trust").get<std::string>(), access::PolicyKind::kTrust));
    into.tags = read_tags(json);
    into.description = json.at("description").get<std::string>();
    into.session_seconds_max = json.at("session_seconds_max").get<uint32_t>();
    return {};
  });
}

std::string encode(const ManagedPolicy& policy) {
  Json json = {{"account", policy.account},
               {"name", policy.name},
               {"path", policy.path},
               {"id", policy.id},
               {"description", policy.description},
               {"created_ms", policy.created_ms},
               {"updated_ms", policy.updated_ms},
               {"default_version", policy.default_version},
               {"last_version", policy.last_version},
               {"tags", policy.tags},
               {"versions", Json::array()}};
  for (const PolicyVersion& version : policy.versions) {
    json["versions"].push_back({{"number", version.number},
                                {"document", version.document.text},
                                {"created_ms", version.created_ms}});
  }
  return dump(json);
}

Status decode(std::string_view text, ManagedPolicy& into) {
  return decode_with(text, [&](const Json& json) -> Status {
    into.account = json.at("account").get<std::string>();
    into.name = json.at("name").get<std::string>();
    into.path = json.at("path").get<std::string>();
    into.id = json.at("id").get<std::string>();
    into.description = json.at("description").get<std::string>();
    into.created_ms = json.at("created_ms").get<int64_t>();
    into.updated_ms = json.at("updated_ms").get<int64_t>();
    into.default_version = json.at("default_version").get<uint32_t>();
    into.last_version = json.at("last_version").get<uint32_t>();
    into.tags = read_tags(json);
    for (const Json& one : json.at("versions")) {
      PolicyVersion version;
      version.number = one.at("number").get<uint32_t>();
      version.created_ms = one.at("created_ms").get<int64_t>();
      TRY_ASSIGN(version.document, read_document(one.at("document").get<std::string>(),
                                                 access::PolicyKind::kIdentity));
      into.versions.push_back(std::move(version));
    }
    return {};
  });
}

std::string encode(const Session& session) {
  Json json = {{"key", key_json(session.key)},
               {"token", session.token},
               {"account", session.account},
               {"role", session.role},
               {"user", session.user},
               {"holder_id", session.holder_id},
               {"name", session.name},
               {"narrowed", session.narrowed},
               {"expires_ms", session.expires_ms},
               {"tags", session.tags},
               {"policies", Json::array()}};
  for (const Document& document : session.policies) json["policies"].push_back(document.text);
  return dump(json);
}

Status decode(std::string_view text, Session& into) {
  return decode_with(text, [&](const Json& json) -> Status {
    into.key = read_key(json.at("key"));
    into.token = json.at("token").get<std::string>();
    into.account = json.at("account").get<std::string>();
    into.role = json.at("role").get<std::string>();
    into.user = json.at("user").get<std::string>();
    into.holder_id = json.at("holder_id").get<std::string>();
    into.name = json.at("name").get<std::string>();
    into.narrowed = json.at("narrowed").get<bool>();
    into.expires_ms = json.at("expires_ms").get<int64_t>();
    into.tags = read_tags(json);
    for (const Json& one : json.at("policies")) {
      TRY_ASSIGN(Document document,
                 read_document(one.get<std::string>(), access::PolicyKind::kIdentity));
      into.policies.push_back(std::move(document));
    }
    return {};
  });
}

}  // namespace strata::iam
