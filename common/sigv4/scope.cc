#include "common/sigv4/scope.h"

#include <algorithm>
#include <array>
#include <optional>

namespace strata::sigv4 {
namespace {

constexpr std::string_view kTerminator = "aws4_request";
constexpr size_t kDateBytes = 8;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Letters, digits and '-': what regions and services are made of.
bool is_label(std::string_view text, size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '_';
         });
}

// Printable ASCII without the characters that separate fields.
bool is_access_key(std::string_view text) {
  return !text.empty() && text.size() <= kAccessKeyBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < '\x7f' && c != '/' && c != '=' && c != ',';
         });
}

// Exactly five parts between slashes.
std::optional<std::array<std::string_view, 5>> split_credential(std::string_view text) {
  std::array<std::string_view, 5> parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t slash = text.find('/');
    if ((slash == text.npos) != (i + 1 == parts.size())) return std::nullopt;
    parts[i] = text.substr(0, slash);
    if (slash != text.npos) text.remove_prefix(slash + 1);
  }
  return parts;
}

}  // namespace

std::string Scope::to_string() const {
  std::string text;
  text.reserve(date.size() + region.size() + service.size() + kTerminator.size() + 3);
  text.append(date).append("/").append(region).append("/").append(service).append("/");
  return text.append(kTerminator);
}

std::string Credential::to_string() const {
  return access_key + "/" + scope.to_string();
}

Result<Credential> parse_credential(std::string_view text, std::string_view reason) {
  const auto refuse = [reason](std::string message) {
    return Error(Code::kInvalidArgument, reason, std::move(message));
  };
  const auto parts = split_credential(text);
  if (!parts) {
    return refuse("the credential must be ACCESS_KEY/YYYYMMDD/REGION/SERVICE/aws4_request");
  }
  const auto [access_key, date, region, service, terminator] = *parts;
  if (!is_access_key(access_key)) return refuse("the credential's access key is not valid");
  if (date.size() != kDateBytes || !std::all_of(date.begin(), date.end(), is_digit)) {
    return refuse("the credential's date must be YYYYMMDD");
  }
  if (!is_label(region, kRegionBytesMax)) return refuse("the credential's region is not valid");
  if (!is_label(service, kServiceBytesMax)) return refuse("the credential's service is not valid");
  if (terminator != kTerminator) return refuse("the credential must end in aws4_request");
  return Credential{.access_key = std::string(access_key),
                    .scope = {.date = std::string(date),
                              .region = std::string(region),
                              .service = std::string(service)}};
}

}  // namespace strata::sigv4
