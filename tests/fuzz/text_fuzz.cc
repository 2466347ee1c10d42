// fuzz-deps: common_codec common_base
// Every decoder of text: what it accepts goes back to a text that means the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"

using namespace strata;

namespace {

void check_encodings(std::string_view text) {
  CHECK(codec::from_hex(codec::to_hex(text)) == text);
  CHECK(codec::from_base64(codec::to_base64(text)) == text);
  CHECK(codec::uri_decode(codec::uri_encode(text, true)) == text);
  CHECK(codec::uri_decode(codec::uri_encode(text, false), true) == text);
  if (const auto raw = codec::from_base64(text)) {
    CHECK(codec::to_base64(*raw) == text, "base64 has one spelling");
  }
  if (const auto raw = codec::from_hex(text)) {
    CHECK(codec::to_hex(*raw) == ascii_lower(text));
  }
  for (const bool plus_is_space : {false, true}) {
    if (const auto raw = codec::uri_decode(text, plus_is_space)) {
      CHECK(raw->size() <= text.size());
      CHECK(codec::uri_decode(codec::uri_encode(*raw, true)) == *raw);
    }
  }
  if (codec::is_utf8(text)) {
    CHECK(codec::is_utf8(std::string(text) + "\xc3\xbc"));
    CHECK(!codec::is_utf8(std::string(text) + "\xff"));
  }
}

void check_dates(std::string_view text) {
  if (const auto time = codec::parse_http_date(text)) {
    CHECK(codec::parse_http_date(codec::format_http_date(*time)) == time);
  }
  if (const auto time = codec::parse_iso8601(text)) {
    CHECK(codec::parse_iso8601(codec::format_iso8601(*time)) == time);
  }
  if (const auto time = codec::parse_iso8601_basic(text)) {
    CHECK(codec::format_iso8601_basic(*time) == text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_encodings(text);
  check_dates(text);
  if (const auto number = parse_u64(text)) CHECK(!text.empty());
  (void)parse_size(text);
  if (const auto address = parse_host_port(text); address.ok()) {
    CHECK(parse_host_port(address->to_string()).ok());
  }
  return 0;
}
