// Writing a response's head; nothing that a handler puts into a field can end a line.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/message.h"

namespace strata::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), made once a second.
// Thread rule: one event loop.
class DateText {
 public:
  [[nodiscard]] std::string_view now();

 private:
  time_t second_ = -1;
  std::string text_;
};
[[nodiscard]] std::string http_date(time_t seconds);

enum class ConnectionField { kNone, kClose, kKeepAlive };

// Whether a response of the status has content at all (RFC 9110 section 6.4.1).
[[nodiscard]] bool status_has_body(int status) noexcept;

// Replaces `out` by the status line and fields up to and with the empty line. The server's own
// fields (Content-Length, Transfer-Encoding, Connection, Date) are left out of head.fields;
// a field whose name is no token is dropped and logged; control bytes in values become spaces.
// length: the Content-Length, or absent for none.
void write_response_head(const ResponseHead& head, std::optional<uint64_t> length,
                         ConnectionField connection, std::string_view date, std::string& out);

}  // namespace strata::http
