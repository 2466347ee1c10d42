// Access keys of users.
#include <algorithm>

#include "objstore/access/credentials.h"
#include "objstore/iam/operations.h"

namespace strata::iam {

namespace {

Result<std::vector<AccessKey>::iterator> find_key(const ApiCall& call, User& user) {
  TRY_ASSIGN(const std::string id, call.need("AccessKeyId", access::kAccessKeyBytesMax));
  const auto found = std::find_if(user.keys.begin(), user.keys.end(),
                                  [&](const AccessKey& key) { return key.id == id; });
  if (found == user.keys.end()) {
    return Error(Code::kNotFound, code::kNoSuchEntity,
                 "The Access Key with id " + id + " cannot be found.");
  }
  return found;
}

std::string_view status_of(const AccessKey& key) {
  return key.active ? "Active" : "Inactive";
}

}  // namespace

Status create_access_key(ApiCall& call) {
  TRY_ASSIGN(User user, need_user_or_caller(call));
  if (user.keys.size() >= kKeysOfUserMax) {
    return error(code::kLimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2");
  }
  const AccessKey key = make_key(call.state, call.random, "AKIA", call.now_ms());
  call.xml.open("AccessKey").element("UserName", user.name).element("AccessKeyId", key.id);
  call.xml.element("Status", status_of(key)).element("SecretAccessKey", key.secret);
  call.xml.element("CreateDate", iso_time(key.created_ms)).close();
  user.keys.push_back(key);
  call.draft->put(std::move(user));
  return {};
}

Status list_access_keys(ApiCall& call) {
  TRY_ASSIGN(const User user, need_user_or_caller(call));
  call.xml.element("UserName", user.name).open("AccessKeyMetadata");
  for (const AccessKey& key : user.keys) {
    call.xml.open("member").element("UserName", user.name).element("AccessKeyId", key.id);
    call.xml.element("Status", status_of(key));
    call.xml.element("CreateDate", iso_time(key.created_ms)).close();
  }
  call.xml.close().element("IsTruncated", false);
  return {};
}

Status update_access_key(ApiCall& call) {
  TRY_ASSIGN(User user, need_user_or_caller(call));
  TRY_ASSIGN(const auto key, find_key(call, user));
  TRY_ASSIGN(const std::string status, call.need("Status", 16));
  if (status != "Active" && status != "Inactive") {
    return error(code::kValidationError, "Status must be Active or Inactive.");
  }
  key->active = status == "Active";
  call.draft->put(std::move(user));
  return {};
}

Status delete_access_key(ApiCall& call) {
  TRY_ASSIGN(User user, need_user_or_caller(call));
  TRY_ASSIGN(const auto key, find_key(call, user));
  user.keys.erase(key);
  call.draft->put(std::move(user));
  return {};
}

}  // namespace strata::iam
