// The one place where the raw head of a request is judged, before anything of its body is read.
//
// It is strict where two readers of the same bytes could disagree (RFC 9112 section 11.2, request
// smuggling): what is not unmistakable is refused with a status and a reason, and the connection is
// closed after that answer.
//
// Thread rule: values; one thread at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/message.h"

namespace strata::http {

// Why a head was not accepted. `why` is a sentence for people, in static storage.
struct Refusal {
  int status = 400;
  std::string_view why;
};

// Finds the end of a head in bytes that arrive piece by piece; every byte is looked at once.
class HeadScanner {
 public:
  // bytes_max: the longest head, its empty line included. Beyond: 414 in the request line, else
  // 431.
  explicit HeadScanner(size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  enum class State { kMore, kComplete, kRefused };
  // buffer: everything received since the head began; between calls it only grows.
  // Refuses at once what can no longer become a head: a bare LF, a first byte that starts no method
  // (a TLS client), too many bytes.
  [[nodiscard]] State scan(std::string_view buffer) noexcept;

  // After kComplete: bytes of the head with its empty line, and one empty line before it.
  [[nodiscard]] size_t head_size() const noexcept { return head_size_; }
  // After kRefused.
  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }

 private:
  [[nodiscard]] State refuse(int status, std::string_view why) noexcept;

  size_t bytes_max_;
  size_t line_begin_ = 0;
  size_t scanned_ = 0;
  size_t lines_ = 0;
  size_t head_size_ = 0;
  Refusal refusal_;
};

// Parses a complete head, as HeadScanner delimits it, into `out` (whatever it held before is
// replaced). On refusal `out` holds what was understood so far and must not be served.
//
// Refused, beside bad syntax: obs-fold, space before a colon, controls in values (400); a missing,
// repeated, empty or malformed Host, or one that differs from the authority of an absolute target
// (400); Content-Length repeated (even identically), not plain digits, above 2^63-1, or together
// with Transfer-Encoding (400); Transfer-Encoding repeated or in HTTP/1.0 (400) or other than
// exactly "chunked" (501); more than fields_max fields (431); versions other than 1.0 and 1.1
// (505). An Expect other than 100-continue is ignored. Targets are paths ("/...") or absolute http
// URIs, whose path is taken; "*" and authority targets are refused (400).
[[nodiscard]] std::optional<Refusal> parse_head(std::string_view head, size_t fields_max,
                                                RequestHead& out);

// One "name: value" line without its CRLF, as heads and trailers have it; the name still in its
// own case. Null, with why, if it is malformed.
struct FieldLine {
  std::string_view name;
  std::string_view value;  // without white space around it
};
[[nodiscard]] std::optional<FieldLine> parse_field_line(std::string_view line,
                                                        std::string_view& why) noexcept;

}  // namespace strata::http
