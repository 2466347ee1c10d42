// fuzz-deps: common_http common_async common_ring common_base
//
// A request head from anywhere: whatever is accepted must be unmistakable, and must mean the same
// however it was cut into pieces.
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "common/http/head_parser.h"
#include "common/http/syntax.h"

namespace {

using strata::http::HeadScanner;
using strata::http::RequestHead;

constexpr size_t kBytesMax = 4096;
constexpr size_t kFieldsMax = 50;

void check_accepted(std::string_view bytes, const RequestHead& head) {
  CHECK(strata::http::syntax::is_token(head.method));
  CHECK(head.path.starts_with('/'));
  CHECK(head.target ==
        (head.target.find('?') == std::string::npos ? head.path : head.path + "?" + head.query));
  CHECK(!(head.chunked && head.content_length));
  CHECK(!(head.chunked && head.minor_version == 0));
  CHECK(head.fields.count("content-length") <= 1);
  CHECK(head.fields.count("transfer-encoding") <= 1);
  CHECK(head.content_length.has_value() == (head.fields.count("content-length") == 1));
  CHECK(head.fields.count("host") == 1 || head.minor_version == 0);
  CHECK(head.fields.all().size() <= kFieldsMax);
  CHECK(bytes.size() <= kBytesMax);
  for (const auto& [name, value] : head.fields.all()) {
    CHECK(strata::http::syntax::is_token(name));
    CHECK(strata::http::syntax::is_field_value(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0] % 64;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  HeadScanner whole(kBytesMax);
  const HeadScanner::State state = whole.scan(bytes);
  HeadScanner split(kBytesMax);
  HeadScanner::State split_state = HeadScanner::State::kMore;
  for (size_t seen = 0; seen < bytes.size() && split_state == HeadScanner::State::kMore;) {
    seen = std::min(bytes.size(), seen + piece);
    split_state = split.scan(bytes.substr(0, seen));
  }
  CHECK(bytes.empty() || state == split_state);
  if (state != HeadScanner::State::kComplete) return 0;
  CHECK(whole.head_size() == split.head_size());
  const std::string_view head_bytes = bytes.substr(0, whole.head_size());
  RequestHead head;
  const auto refusal = strata::http::parse_head(head_bytes, kFieldsMax, head);
  if (!refusal) {
    check_accepted(head_bytes, head);
  } else {
    CHECK(refusal->status >= 400 && refusal->status < 600 && !refusal->why.empty());
  }
  return 0;
}
