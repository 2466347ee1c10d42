#include "common/http/response_head.h"

#include <fmt/format.h>

#include <array>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/parse.h"
#include "common/http/syntax.h"

namespace strata::http {
namespace {

constexpr std::array<std::string_view, 4> kOwnFields = {"content-length", "transfer-encoding",
                                                        "connection", "date"};

bool is_own_field(std::string_view name) noexcept {
  for (const std::string_view own : kOwnFields) {
    if (ascii_iequals(name, own)) return true;
  }
  return false;
}

void append_value(std::string_view value, std::string& out) {
  if (syntax::is_field_value(value)) {
    out += value;
    return;
  }
  for (const char byte : value) out += syntax::is_field_value_byte(byte) ? byte : ' ';
}

template <typename Number>
void append_number(Number number, std::string& out) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

}  // namespace

std::string http_date(time_t seconds) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<size_t>(parts.tm_wday)], parts.tm_mday,
                     kMonths[static_cast<size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string_view DateText::now() {
  const time_t second = time(nullptr);
  if (second != second_) {
    second_ = second;
    text_ = http_date(second);
  }
  return text_;
}

bool status_has_body(int status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

void write_response_head(const ResponseHead& head, std::optional<uint64_t> length,
                         ConnectionField connection, std::string_view date, std::string& out) {
  CHECK(head.status >= 100 && head.status <= 999, "an HTTP status has three digits");
  out.clear();
  out += "HTTP/1.1 ";
  append_number(head.status, out);
  out += ' ';
  out += status_text(head.status);
  out += "\r\n";
  bool names_server = false;
  for (const auto& [name, value] : head.fields.all()) {
    if (is_own_field(name)) continue;
    if (!syntax::is_token(name)) {
      log::warning("http.response_field_dropped", {{"why", "its name is not a token"}});
      continue;
    }
    names_server = names_server || ascii_iequals(name, "server");
    out += name;
    out += ": ";
    append_value(value, out);
    out += "\r\n";
  }
  out += "Date: ";
  out += date;
  out += names_server ? "\r\n" : "\r\nServer: Strata\r\n";
  if (length) {
    out += "Content-Length: ";
    append_number(*length, out);
    out += "\r\n";
  }
  if (connection == ConnectionField::kClose) out += "Connection: close\r\n";
  if (connection == ConnectionField::kKeepAlive) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

}  // namespace strata::http
