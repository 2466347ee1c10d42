// fuzz-deps: common_http common_async common_ring common_base
//
// A chunked body from anywhere: the same body and the same end however it is cut into pieces.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/http/chunked_body.h"

namespace {

struct Outcome {
  bool failed = false;
  bool done = false;
  size_t consumed = 0;
  std::string body;
};

Outcome decode(std::string_view bytes, size_t piece) {
  using strata::http::ChunkedDecoder;
  Outcome out;
  ChunkedDecoder decoder;
  while (out.consumed < bytes.size() && !decoder.done()) {
    const std::string_view input = bytes.substr(out.consumed, piece);
    auto step = decoder.step(strata::as_bytes(input));
    if (!step.ok()) {
      out.failed = true;
      return out;
    }
    CHECK(step->consumed <= input.size());
    CHECK(step->consumed > 0);
    CHECK(!step->data.empty() || decoder.done() || step->consumed == input.size());
    out.body += strata::as_text(step->data);
    out.consumed += step->consumed;
  }
  out.done = decoder.done();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const Outcome whole = decode(bytes, std::string_view::npos);
  const Outcome split = decode(bytes, 1 + data[0] % 64);
  CHECK(whole.failed == split.failed);
  CHECK(whole.done == split.done);
  CHECK(whole.body == split.body);
  CHECK(whole.failed || whole.consumed == split.consumed);
  CHECK(whole.body.size() <= bytes.size());
  return 0;
}
