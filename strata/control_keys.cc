#include "strata/control_keys.h"

#include <nlohmann/json.hpp>

#include "strata/json.h"

namespace strata::roof {
namespace {

nlohmann::json key_json(const encryption::KeyInfo& key) {
  return {{"name", key.name},
          {"generation", key.generation},
          {"generations", key.generations},
          {"created_ms", key.created.time_since_epoch().count()}};
}

ControlAnswer list_keys(const encryption::KeyRing& keys) {
  nlohmann::json body;
  nlohmann::json& list = body["keys"] = nlohmann::json::array();
  for (const encryption::KeyInfo& key : keys.list()) list.push_back(key_json(key));
  return {200, dump_json(body)};
}

// The key that was made or rotated, as it is now.
Result<nlohmann::json> tell_keys(encryption::KeyRing& keys, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string action, json_string(request, "action"));
  TRY_ASSIGN(const std::string name, json_string(request, "name"));
  if (action == "create") {
    TRY(keys.create(name));
  } else if (action == "rotate") {
    TRY(keys.rotate(name));
  } else {
    return Error(Code::kInvalidArgument, "an action is create or rotate");
  }
  for (const encryption::KeyInfo& key : keys.list()) {
    if (key.name == name) return key_json(key);
  }
  return Error(Code::kInternal, "the key is not in the list");
}

}  // namespace

ControlRoute keys_route(encryption::KeyRing& keys) {
  return [&keys](const std::string& method, const std::string& path, const std::string& body) {
    if (path != kKeysPath) return control_error(Error(Code::kNotFound, "there is no " + path));
    if (method == "GET") return list_keys(keys);
    if (method != "POST") {
      return control_error(Error(Code::kUnsupported, path + " takes GET and POST"));
    }
    const Result<nlohmann::json> told = tell_keys(keys, body);
    return told.ok() ? ControlAnswer{200, dump_json(*told)} : control_error(told.error());
  };
}

}  // namespace strata::roof
