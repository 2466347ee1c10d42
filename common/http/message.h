// An HTTP/1.1 request as it came, and the response that goes back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::http {

// Field names in lower case; values without surrounding white space; in the order received.
class Fields {
 public:
  void add(std::string name, std::string value);       // the name in lower case
  void set(std::string_view name, std::string value);  // replaces every field of the name
  // The first value, or null.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;  // "" if absent
  [[nodiscard]] size_t count(std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept {
    return fields_;
  }
  void clear() noexcept { fields_.clear(); }
  void reserve(size_t count) { fields_.reserve(count); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct RequestHead {
  std::string method;
  std::string target;  // as on the request line: path and query, still encoded
  std::string path;    // the target up to '?', still encoded
  std::string query;   // after '?', still encoded
  Fields fields;
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1
  bool keep_alive = true;
  std::optional<uint64_t> content_length;  // absent: no body, or chunked
  bool chunked = false;
  bool expect_continue = false;
  bool secure = false;  // it came under TLS
};

struct ResponseHead {
  int status = 200;
  Fields fields;  // without Content-Length, Connection, Date: the server adds them
};

// "OK" for 200; "Unknown" for what RFC 9110 does not name.
[[nodiscard]] std::string_view status_text(int status) noexcept;

}  // namespace strata::http
