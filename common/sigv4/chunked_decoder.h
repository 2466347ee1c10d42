// Decodes aws-chunked bodies piece by piece, without copying data and without checking signatures.
//
//   chunk    = size-hex [";chunk-signature=" 64-hex] CRLF data CRLF
//   last     = "0" [";chunk-signature=" 64-hex] CRLF
//   body     = *chunk last (CRLF | *trailer [trailer-signature] CRLF)
//   trailer  = name ":" value (CRLF | LF)
//
// AWS's documentation and minio-go end trailers in LF alone and send one empty line more, ahead of
// the trailer signature or after the end; that is accepted. Everything else is refused with a
// precise error. Which trailers may come, and how many bytes were promised, is the caller's to
// check.
//
// Source: Amazon S3 API reference, "Transferring Payload in Multiple Chunks (Chunked Upload)" and
// "Including Trailing Headers (Chunked Upload)".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::sigv4 {

inline constexpr size_t kChunkHeaderBytesMax = 256;                // the line ahead of the data
inline constexpr uint64_t kChunkBytesMax = uint64_t{5} * kGiB;     // the data of one chunk
inline constexpr uint64_t kDecodedBytesMax = uint64_t{64} * kTiB;  // the data of all chunks
inline constexpr size_t kTrailersBytesMax = 8 * kKiB;              // all trailer lines
inline constexpr size_t kTrailersMax = 16;

inline constexpr std::string_view kReasonBadChunk = "malformed_chunk";       // InvalidRequest, 400
inline constexpr std::string_view kReasonChunkTooLarge = "chunk_too_large";  // EntityTooLarge, 400
inline constexpr std::string_view kReasonBadTrailer = "malformed_trailer";  // MalformedTrailerError
inline constexpr std::string_view kReasonIncompleteBody = "incomplete_body";  // IncompleteBody, 400

class ChunkedDecoder {
 public:
  enum class Kind {
    kSigned,           // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
    kUnsignedTrailer,  // STREAMING-UNSIGNED-PAYLOAD-TRAILER
    kSignedTrailer     // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  };

  enum class EventType {
    kNeedMore,    // the input is used up: feed more, or call check_complete() if there is no more
    kChunkStart,  // chunk_bytes and signature are set; the last chunk has 0 bytes
    kData,        // data is a non-empty piece of the chunk, a view of the input
    kChunkEnd,    // all data of the chunk was given (also for the last): verify its signature now
    kEnd          // the body is complete; trailers() and trailer_signature() are final
  };
  struct Event {
    EventType type = EventType::kNeedMore;
    uint64_t chunk_bytes = 0;
    std::string_view signature{};  // of the current chunk, valid until the next kChunkStart
    Bytes data{};
  };

  explicit ChunkedDecoder(Kind kind);

  // Takes bytes off the front of `input` up to the next event. After kEnd, more bytes are an error.
  // kInvalidArgument with one of the reasons above; after an error every call fails the same way.
  [[nodiscard]] Result<Event> next(Bytes& input);

  // OK after kEnd; otherwise kInvalidArgument kReasonIncompleteBody.
  [[nodiscard]] Status check_complete() const;

  [[nodiscard]] uint64_t decoded_bytes() const noexcept { return decoded_bytes_; }
  // Names in lower case, without x-amz-trailer-signature, in the order received. Valid after kEnd.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& trailers() const noexcept {
    return trailers_;
  }
  // Empty for bodies whose trailers are not signed.
  [[nodiscard]] std::string_view trailer_signature() const noexcept { return trailer_signature_; }

 private:
  enum class State { kHeader, kData, kDataEnd, kLastChunk, kFinalEol, kTrailers, kDone, kFailed };

  [[nodiscard]] Result<Event> advance(Bytes& input);
  [[nodiscard]] Result<Event> read_header(Bytes& input);
  [[nodiscard]] Event read_data(Bytes& input);
  [[nodiscard]] Result<Event> read_data_end(Bytes& input);
  [[nodiscard]] Result<Event> read_trailers(Bytes& input);
  [[nodiscard]] Result<Event> read_after_end(Bytes& input);
  // True when line_ holds a whole line without its end; false: the input is used up.
  [[nodiscard]] Result<bool> take_line(Bytes& input, size_t bytes_max, std::string_view reason);
  [[nodiscard]] Result<Event> parse_header();
  [[nodiscard]] Status parse_trailer();
  [[nodiscard]] Status end_of_trailers();

  Kind kind_;
  State state_ = State::kHeader;
  std::string line_;        // the line being read
  bool line_done_ = false;  // line_ was given out: the next byte starts another
  bool line_bare_ = false;  // line_ ended with LF alone
  bool extra_line_allowed_ = false;
  uint64_t chunk_left_ = 0;
  uint64_t decoded_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  std::string chunk_signature_;
  std::string trailer_signature_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  Error failure_{Code::kInternal, std::string()};  // what every call returns in kFailed
};

}  // namespace strata::sigv4
