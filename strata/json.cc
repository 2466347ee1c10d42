#include "strata/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace strata::roof {
namespace {

// Nesting is checked on the text, before the parser recurses into what it builds.
bool deeper_than(std::string_view text, int limit) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limit) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Error wrong_member(const char* name, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("the member '{}' must be {}", name, what));
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Error(Code::kTooLarge, fmt::format("JSON of more than {} bytes", bytes_max));
  }
  if (deeper_than(text, kJsonDepthMax)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("JSON nested more than {} levels", kJsonDepthMax));
  }
  nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) return Error(Code::kInvalidArgument, "the text is not valid JSON");
  return value;
}

std::string dump_json(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<std::string> json_string(const nlohmann::json& object, const char* name) {
  if (!object.is_object() || !object.contains(name) || !object[name].is_string()) {
    return wrong_member(name, "a string");
  }
  return object[name].get<std::string>();
}

Result<uint64_t> json_u64(const nlohmann::json& object, const char* name) {
  if (!object.is_object() || !object.contains(name) || !object[name].is_number_unsigned()) {
    return wrong_member(name, "a whole number, 0 or greater");
  }
  return object[name].get<uint64_t>();
}

Result<bool> json_flag(const nlohmann::json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return false;
  if (object[name].is_boolean()) return object[name].get<bool>();
  return wrong_member(name, "true or false");
}

}  // namespace strata::roof
