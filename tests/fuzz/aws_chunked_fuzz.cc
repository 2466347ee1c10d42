// fuzz-deps: common_sigv4 common_digest common_codec common_base
// The aws-chunked decoder: limits hold, and the result does not depend on how the bytes are cut.
// The first byte chooses the kind of body, the second how it is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/sigv4/chunked_decoder.h"

using namespace strata;
using sigv4::ChunkedDecoder;

namespace {

struct Outcome {
  std::string events;
  std::string data;
  uint64_t promised = 0;
  bool failed = false;
};

void note(Outcome& out, const ChunkedDecoder::Event& event) {
  switch (event.type) {
    case ChunkedDecoder::EventType::kNeedMore:
      return;
    case ChunkedDecoder::EventType::kChunkStart:
      CHECK(event.chunk_bytes <= sigv4::kChunkBytesMax);
      out.events += "<" + std::to_string(event.chunk_bytes) + ":" + std::string(event.signature);
      out.promised += event.chunk_bytes;
      return;
    case ChunkedDecoder::EventType::kData:
      CHECK(!event.data.empty());
      out.data += as_text(event.data);
      CHECK(out.data.size() <= out.promised);
      return;
    case ChunkedDecoder::EventType::kChunkEnd:
      CHECK(out.data.size() == out.promised, "a chunk ends when its data is complete");
      out.events += ">";
      return;
    case ChunkedDecoder::EventType::kEnd:
      out.events += ".";
      return;
  }
}

Outcome decode(ChunkedDecoder::Kind kind, std::string_view body, size_t piece) {
  ChunkedDecoder decoder(kind);
  Outcome out;
  while (!body.empty() && !out.failed) {
    Bytes input = as_bytes(body.substr(0, piece));
    body.remove_prefix(input.size());
    // Each event takes a byte or follows one that did, so this ends.
    for (size_t turns = 0;; ++turns) {
      CHECK(turns <= 2 * piece + 4);
      const auto event = decoder.next(input);
      if (!event.ok()) {
        out.failed = true;
        out.events += "!" + std::string(event.error().reason);
        CHECK(!decoder.check_complete().ok());
        break;
      }
      if (event->type == ChunkedDecoder::EventType::kNeedMore) {
        CHECK(input.empty());
        break;
      }
      note(out, *event);
    }
  }
  CHECK(decoder.trailers().size() <= sigv4::kTrailersMax);
  for (const auto& [name, value] : decoder.trailers()) out.events += name + "=" + value + ";";
  out.events += decoder.trailer_signature();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto kind = static_cast<ChunkedDecoder::Kind>(data[0] % 3);
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = decode(kind, body, std::max<size_t>(body.size(), 1));
  const Outcome cut = decode(kind, body, size_t{1} + data[1] % 32);
  CHECK(whole.events == cut.events);
  CHECK(whole.data == cut.data);
  return 0;
}
