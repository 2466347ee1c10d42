#include "common/http/message.h"

namespace strata::http {
namespace {

// RFC 9110 section 15; 429 and 431 from RFC 6585. The frequent ones first: it is searched in order.
constexpr std::pair<int, std::string_view> kStatusTexts[] = {
    {200, "OK"},
    {204, "No Content"},
    {206, "Partial Content"},
    {404, "Not Found"},
    {100, "Continue"},
    {101, "Switching Protocols"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {205, "Reset Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

}  // namespace

void Fields::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

void Fields::set(std::string_view name, std::string value) {
  std::erase_if(fields_, [name](const auto& field) { return field.first == name; });
  fields_.emplace_back(std::string(name), std::move(value));
}

const std::string* Fields::find(std::string_view name) const noexcept {
  for (const auto& [field_name, value] : fields_) {
    if (field_name == name) return &value;
  }
  return nullptr;
}

std::string_view Fields::get(std::string_view name) const noexcept {
  const std::string* const value = find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

size_t Fields::count(std::string_view name) const noexcept {
  size_t found = 0;
  for (const auto& field : fields_) found += field.first == name ? 1 : 0;
  return found;
}

std::string_view status_text(int status) noexcept {
  for (const auto& [number, text] : kStatusTexts) {
    if (number == status) return text;
  }
  return "Unknown";
}

}  // namespace strata::http
