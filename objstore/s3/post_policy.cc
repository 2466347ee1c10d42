#include "objstore/s3/post_policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"

namespace strata::s3 {

namespace {

using Json = nlohmann::json;

Error invalid(std::string_view why) {
  return {Code::kInvalidArgument, code::kInvalidPolicyDocument,
          "Invalid Policy: " + std::string(why)};
}

Error denied(std::string_view why) {
  return {Code::kPermissionDenied, code::kAccessDenied,
          "Invalid according to Policy: " + std::string(why)};
}

// Fields that no condition needs to mention.
bool is_exempt(std::string_view field) {
  return field == "policy" || field == "file" || field == "x-amz-signature" ||
         field == "signature" || field == "awsaccesskeyid" || field.starts_with("x-ignore-");
}

// S3 lets a policy escape its variables' dollar sign, which JSON does not know.
std::string without_dollar_escapes(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '\\' && i + 1 < json.size()) {
      if (json[i + 1] != '$') out += json[i];
      out += json[++i];
      continue;
    }
    out += json[i];
  }
  return out;
}

// Depth is bounded before the parser recurses.
bool is_too_deep(std::string_view json) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if ((c == '[' || c == '{') && ++depth > kPostPolicyDepthMax) return true;
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return false;
}

std::optional<uint64_t> number_of(const Json& json) {
  if (json.is_number_unsigned()) return json.get<uint64_t>();
  if (json.is_string()) return parse_u64(json.get_ref<const std::string&>());
  return std::nullopt;
}

}  // namespace

class PostPolicyReader {
 public:
  static Status read(const Json& document, PostPolicy& policy) {
    const Json* expiration = find(document, "expiration");
    if (expiration == nullptr) return invalid("Policy missing expiration.");
    if (!expiration->is_string()) return invalid("Invalid 'expiration' value.");
    const auto expires = codec::parse_iso8601(expiration->get_ref<const std::string&>());
    if (!expires) {
      return invalid("Invalid 'expiration' value: '" + expiration->get<std::string>() + "'");
    }
    policy.expires_ = *expires;
    const Json* conditions = find(document, "conditions");
    if (conditions == nullptr) return invalid("Policy missing conditions.");
    if (!conditions->is_array()) return invalid("Invalid 'conditions' value: must be a List.");
    if (conditions->size() > kPostConditionsMax) return invalid("Too many conditions.");
    for (const Json& condition : *conditions) TRY(read_condition(condition, policy));
    return {};
  }

 private:
  using Match = PostPolicy::Match;

  static const Json* find(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
  }

  static Status read_condition(const Json& json, PostPolicy& policy) {
    if (json.is_object()) {
      if (json.size() != 1) {
        return invalid(
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property "
            "specified.");
      }
      const auto member = json.begin();
      if (!member->is_string()) {
        return invalid("Invalid Simple-Condition: value must be a string.");
      }
      return add(policy, Match::kEquals, member.key(), member->get<std::string>(), json);
    }
    if (!json.is_array() || json.empty() || !json[0].is_string()) {
      return invalid("Invalid Condition: must be a list or an object.");
    }
    const std::string kind = ascii_lower(json[0].get_ref<const std::string&>());
    if (json.size() != 3) return invalid("Invalid Condition: wrong number of arguments.");
    if (kind == "content-length-range") return read_range(json, policy);
    if (kind != "eq" && kind != "starts-with") {
      return invalid("Invalid Condition: unknown operation '" + kind + "'.");
    }
    if (!json[1].is_string() || !json[2].is_string() ||
        !json[1].get_ref<const std::string&>().starts_with('$')) {
      return invalid(
          "Invalid Condition: the second argument must be a field with '$' before it, "
          "the third a string.");
    }
    return add(policy, kind == "eq" ? Match::kEquals : Match::kStartsWith,
               json[1].get_ref<const std::string&>().substr(1), json[2].get<std::string>(), json);
  }

  static Status add(PostPolicy& policy, Match match, std::string_view field, std::string value,
                    const Json& json) {
    if (field.empty()) return invalid("Invalid Condition: a field without a name.");
    policy.conditions_.push_back({match, ascii_lower(field), std::move(value),
                                  json.dump(-1, ' ', false, Json::error_handler_t::replace)});
    return {};
  }

  static Status read_range(const Json& json, PostPolicy& policy) {
    const std::optional<uint64_t> least = number_of(json[1]);
    const std::optional<uint64_t> most = number_of(json[2]);
    if (!least || !most || *least > *most) {
      return invalid("Invalid content-length-range: needs two numbers, the smaller first.");
    }
    // Several ranges must all hold.
    PostPolicy::SizeRange range{*least, *most};
    if (policy.range_) {
      range.bytes_min = std::max(range.bytes_min, policy.range_->bytes_min);
      range.bytes_max = std::min(range.bytes_max, policy.range_->bytes_max);
    }
    policy.range_ = range;
    return {};
  }
};

Result<PostPolicy> PostPolicy::parse(std::string_view base64) {
  std::string compact(base64);
  std::erase_if(compact, [](char c) { return c == '\r' || c == '\n' || c == ' ' || c == '\t'; });
  const std::optional<std::string> text = codec::from_base64(compact);
  if (!text || !codec::is_utf8(*text)) return invalid("Invalid Base64 or UTF-8.");
  if (is_too_deep(*text)) return invalid("Invalid JSON.");
  const Json document = Json::parse(without_dollar_escapes(*text), nullptr, false);
  if (!document.is_object()) return invalid("Invalid JSON.");
  PostPolicy policy;
  TRY(PostPolicyReader::read(document, policy));
  return policy;
}

bool PostPolicy::holds(const Condition& condition, std::string_view value) {
  if (condition.match == Match::kEquals) return value == condition.value;
  // A list of content types begins with the prefix in each of its members.
  if (condition.field != "content-type") return value.starts_with(condition.value);
  for (;;) {
    const size_t comma = value.find(',');
    if (!trim(value.substr(0, comma)).starts_with(condition.value)) return false;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

bool PostPolicy::mentions(std::string_view field) const {
  return std::ranges::any_of(conditions_,
                             [field](const Condition& one) { return one.field == field; });
}

Status PostPolicy::check(const PostFields& fields, std::string_view bucket, std::string_view key,
                         io::WallTime now) const {
  if (now >= expires_) return denied("Policy expired.");
  for (const Condition& condition : conditions_) {
    std::string_view value = fields.get(condition.field);
    // What is written counts, not what the form calls it.
    if (condition.field == "bucket") value = bucket;
    if (condition.field == "key") value = key;
    if (!holds(condition, value)) return denied("Policy Condition failed: " + condition.text);
  }
  if (!mentions("bucket")) return denied("Extra input fields: bucket");
  for (const auto& [name, value] : fields.all()) {
    if (!is_exempt(name) && !mentions(name)) return denied("Extra input fields: " + name);
  }
  return {};
}

}  // namespace strata::s3
