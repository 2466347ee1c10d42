// fuzz-deps: common_http common_base
//
// A form from anywhere: the same parts whole and a byte at a time, and a boundary out of any
// header.
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "common/http/form_data.h"

namespace {

using strata::http::FormDataDecoder;

struct Outcome {
  bool failed = false;
  bool ended = false;
  std::string text;
};

Outcome decode(std::string_view form, size_t piece_bytes) {
  Outcome out;
  FormDataDecoder decoder("b");
  for (size_t at = 0; at < form.size(); at += piece_bytes) {
    strata::Bytes input = strata::as_bytes(form.substr(at, piece_bytes));
    for (;;) {
      const auto event = decoder.next(input);
      if (!event.ok()) {
        out.failed = true;
        return out;
      }
      if (event->type == FormDataDecoder::EventType::kNeedMore) break;
      if (event->type == FormDataDecoder::EventType::kPart) out.text += decoder.part().name + ":";
      if (event->type == FormDataDecoder::EventType::kPartEnd) out.text += '|';
      out.text += strata::as_text(event->data);
      if (event->type == FormDataDecoder::EventType::kEnd) {
        out.ended = true;
        return out;
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto boundary = strata::http::form_data_boundary(text);
  if (boundary.ok()) CHECK(!boundary->empty());
  if (size == 0) return 0;
  const Outcome whole = decode(text, size);
  const Outcome cut = decode(text, 1);
  CHECK(whole.failed == cut.failed && whole.ended == cut.ended);
  if (!whole.failed) CHECK(whole.text == cut.text);
  return 0;
}
