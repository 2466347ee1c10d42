// ChunkedDecoder: takes "Transfer-Encoding: chunked" (RFC 9112 section 7.1) off a body.
//
// As strict as the head parser: CRLF only, sizes in plain hexadecimal, nothing between size and ';'
// or CRLF. Chunk extensions and trailer fields are checked, bounded and dropped; a trailer that
// would change framing, routing or authentication is refused.
//
// Thread rule: a value; one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::http {

class ChunkedDecoder {
 public:
  static constexpr size_t kSizeDigitsMax = 16;
  // Extension bytes of a whole body, so that small chunks cannot carry large ones for ever.
  static constexpr uint64_t kExtensionBytesMax = 16 * kKiB;
  static constexpr size_t kTrailerBytesMax = 8 * kKiB;
  static constexpr size_t kTrailerFieldsMax = 32;

  struct Step {
    size_t consumed = 0;  // bytes of the input that are done with, those of `data` included
    Bytes data;           // the next bytes of the body: a part of the input, perhaps empty
  };
  // Decodes up to the end of one run of body bytes or of the input. With empty data, either done()
  // or all of the input was consumed. kInvalidArgument for malformed input, kTooLarge beyond a
  // bound; after an error the decoder is not used again.
  [[nodiscard]] Result<Step> step(Bytes input);

  // Whether the last chunk and the trailers have been consumed. Bytes after them belong to
  // the next message.
  [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }

 private:
  enum class State {
    kSize,
    kExtension,
    kSizeEnd,  // the LF after a chunk's size line
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerLf,
    kDone,
  };
  [[nodiscard]] Status take(char byte);
  [[nodiscard]] Status take_size_byte(char byte);
  [[nodiscard]] Status take_trailer_line();

  State state_ = State::kSize;
  uint64_t size_ = 0;  // of the chunk; in kData, bytes of it that are still to come
  size_t digits_ = 0;
  uint64_t extension_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  size_t trailer_fields_ = 0;
  std::string line_;  // a trailer line so far
};

}  // namespace strata::http
