#include "common/http/chunked_body.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "common/base/parse.h"
#include "common/http/head_parser.h"
#include "common/http/syntax.h"

namespace strata::http {
namespace {

constexpr uint64_t kChunkSizeMax = std::numeric_limits<int64_t>::max();

// RFC 9110 section 6.5.1: fields that frame, route, authenticate, modify the request or describe
// how to read the content must not come after it.
constexpr std::array<std::string_view, 18> kForbiddenTrailers = {"authorization",
                                                                 "cache-control",
                                                                 "connection",
                                                                 "content-encoding",
                                                                 "content-length",
                                                                 "content-range",
                                                                 "content-type",
                                                                 "cookie",
                                                                 "expect",
                                                                 "host",
                                                                 "keep-alive",
                                                                 "max-forwards",
                                                                 "proxy-authorization",
                                                                 "range",
                                                                 "te",
                                                                 "trailer",
                                                                 "transfer-encoding",
                                                                 "upgrade"};

Error malformed(std::string text) {
  return Error(Code::kInvalidArgument, "bad_chunk", std::move(text));
}

int hex_digit(char byte) noexcept {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

}  // namespace

Status ChunkedDecoder::take_size_byte(char byte) {
  if (const int digit = hex_digit(byte); digit >= 0) {
    if (++digits_ > kSizeDigitsMax) return malformed("a chunk size has too many digits");
    size_ = size_ * 16 + static_cast<uint64_t>(digit);
    return {};
  }
  if (digits_ == 0) return malformed("a chunk begins without a size");
  if (size_ > kChunkSizeMax) return malformed("a chunk size is too large");
  if (byte == ';') {
    state_ = State::kExtension;
  } else if (byte == '\r') {
    state_ = State::kSizeEnd;
  } else {
    return malformed("a chunk size is not a hexadecimal number followed by CRLF");
  }
  return {};
}

Status ChunkedDecoder::take_trailer_line() {
  if (line_.empty()) {
    state_ = State::kDone;
    return {};
  }
  if (++trailer_fields_ > kTrailerFieldsMax) {
    return Error(Code::kTooLarge, "bad_chunk", "the body has too many trailer fields");
  }
  std::string_view why;
  const std::optional<FieldLine> field = parse_field_line(line_, why);
  if (!field) return malformed("trailer: " + std::string(why));
  const std::string name = ascii_lower(field->name);
  if (std::find(kForbiddenTrailers.begin(), kForbiddenTrailers.end(), name) !=
      kForbiddenTrailers.end()) {
    return malformed("the field '" + name + "' must not be a trailer");
  }
  line_.clear();
  state_ = State::kTrailer;
  return {};
}

// Every state but kData takes its input byte by byte.
Status ChunkedDecoder::take(char byte) {
  switch (state_) {
    case State::kSize:
      return take_size_byte(byte);
    case State::kExtension:
      if (byte == '\r') {
        state_ = State::kSizeEnd;
        return {};
      }
      if (!syntax::is_field_value_byte(byte)) {
        return malformed("a chunk extension has a control byte");
      }
      if (++extension_bytes_ > kExtensionBytesMax) {
        return Error(Code::kTooLarge, "bad_chunk", "the chunk extensions are too long");
      }
      return {};
    case State::kSizeEnd:
      if (byte != '\n') return malformed("a chunk size line ends in CR without LF");
      state_ = size_ == 0 ? State::kTrailer : State::kData;
      digits_ = 0;
      return {};
    case State::kDataCr:
    case State::kDataLf:
      if (byte != (state_ == State::kDataCr ? '\r' : '\n')) {
        return malformed("a chunk is not followed by CRLF");
      }
      state_ = state_ == State::kDataCr ? State::kDataLf : State::kSize;
      return {};
    case State::kTrailer:
      if (++trailer_bytes_ > kTrailerBytesMax) {
        return Error(Code::kTooLarge, "bad_chunk", "the trailers are too long");
      }
      if (byte == '\r') {
        state_ = State::kTrailerLf;
      } else {
        line_.push_back(byte);
      }
      return {};
    case State::kTrailerLf:
      if (byte != '\n') return malformed("a trailer line ends in CR without LF");
      return take_trailer_line();
    case State::kData:
    case State::kDone:
      break;
  }
  check_failed("a decoder takes no byte in this state", __FILE__, __LINE__, "");
}

Result<ChunkedDecoder::Step> ChunkedDecoder::step(Bytes input) {
  Step out;
  while (out.consumed < input.size() && !done()) {
    if (state_ == State::kData) {
      const uint64_t length = std::min<uint64_t>(size_, input.size() - out.consumed);
      out.data = input.subspan(out.consumed, length);
      out.consumed += length;
      size_ -= length;
      if (size_ == 0) state_ = State::kDataCr;
      return out;
    }
    TRY(take(static_cast<char>(input[out.consumed])));
    ++out.consumed;
  }
  return out;
}

}  // namespace strata::http
