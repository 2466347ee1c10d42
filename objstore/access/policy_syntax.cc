#include "objstore/access/policy_syntax.h"

#include <algorithm>

namespace strata::access {

namespace {

constexpr size_t kAccountDigits = 12;
constexpr size_t kCanonicalDigits = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool is_account_id(std::string_view text) noexcept {
  return text.size() == kAccountDigits && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_canonical_id(std::string_view text) noexcept {
  return text.size() == kCanonicalDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::optional<PrincipalArn> parse_principal_arn(std::string_view text) {
  constexpr std::string_view kIam = "arn:aws:iam::";
  constexpr std::string_view kSts = "arn:aws:sts::";
  const bool iam = text.starts_with(kIam);
  if (!iam && !text.starts_with(kSts)) return std::nullopt;
  text.remove_prefix(kIam.size());
  if (text.size() <= kAccountDigits + 1 || text[kAccountDigits] != ':') return std::nullopt;
  PrincipalArn arn;
  arn.account = std::string(text.substr(0, kAccountDigits));
  if (!is_account_id(arn.account)) return std::nullopt;
  text.remove_prefix(kAccountDigits + 1);
  // A principal names somebody: no wildcard stands in it.
  if (text.find_first_of("*? ") != std::string_view::npos) return std::nullopt;
  arn.root = iam && text == "root";
  if (arn.root) return arn;
  for (const std::string_view type : {std::string_view(iam ? "user/" : "assumed-role/"),
                                      std::string_view(iam ? "role/" : "federated-user/")}) {
    if (text.starts_with(type) && text.size() > type.size() && text.back() != '/') return arn;
  }
  return std::nullopt;
}

bool is_action_pattern(std::string_view text) noexcept {
  if (text == "*") return true;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == ':' || c == '*' || c == '?' || c == '-' || c == '_';
  });
}

bool is_resource_pattern(std::string_view text) noexcept {
  if (text == "*") return true;
  constexpr std::string_view kArn = "arn:";
  if (!text.starts_with(kArn)) return false;
  return std::count(text.begin(), text.end(), ':') >= 5;
}

bool is_plain_sid(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

int json_depth(std::string_view text) noexcept {
  int depth = 0;
  int deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

std::string_view trim_json(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace strata::access
