#include "common/sigv4/chunked_decoder.h"

#include <algorithm>

#include "common/base/parse.h"
#include "common/sigv4/grammar.h"

namespace strata::sigv4 {
namespace {

constexpr std::string_view kSignatureExtension = ";chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr size_t kSizeDigitsMax = 16;
constexpr size_t kEmptyLineBytesMax = 2;

Error refuse(std::string_view reason, std::string message) {
  return {Code::kInvalidArgument, reason, std::move(message)};
}

// One to sixteen hex digits at the front of `text`, taken off it; false if there is none or more.
bool take_hex(std::string_view& text, uint64_t& value) {
  value = 0;
  size_t digits = 0;
  for (; digits < text.size(); ++digits) {
    const char c = text[digits];
    uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint64_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint64_t>(c - 'A') + 10;
    } else {
      break;
    }
    if (digits == kSizeDigitsMax) return false;
    value = value << 4 | digit;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

bool has_control(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

}  // namespace

ChunkedDecoder::ChunkedDecoder(Kind kind) : kind_(kind) {}

Result<ChunkedDecoder::Event> ChunkedDecoder::next(Bytes& input) {
  Result<Event> event = advance(input);
  if (!event.ok() && state_ != State::kFailed) {
    state_ = State::kFailed;
    failure_ = event.error();
  }
  return event;
}

Status ChunkedDecoder::check_complete() const {
  if (state_ == State::kDone) return {};
  if (state_ == State::kFailed) return failure_;
  return refuse(kReasonIncompleteBody, "the body ended before its last chunk or trailer");
}

Result<ChunkedDecoder::Event> ChunkedDecoder::advance(Bytes& input) {
  switch (state_) {
    case State::kHeader:
      return read_header(input);
    case State::kData:
      return read_data(input);
    case State::kDataEnd:
      return read_data_end(input);
    case State::kLastChunk:
      state_ = kind_ == Kind::kSigned ? State::kFinalEol : State::kTrailers;
      return Event{.type = EventType::kChunkEnd, .signature = chunk_signature_};
    case State::kFinalEol: {
      TRY_ASSIGN(const bool whole, take_line(input, kEmptyLineBytesMax, kReasonBadChunk));
      if (!whole) return Event{};
      if (line_bare_ || !line_.empty()) {
        return refuse(kReasonBadChunk, "the last chunk must be followed by CRLF");
      }
      state_ = State::kDone;
      return Event{.type = EventType::kEnd};
    }
    case State::kTrailers:
      return read_trailers(input);
    case State::kDone:
      return read_after_end(input);
    case State::kFailed:
      return failure_;
  }
  CHECK(false, "not a state");
}

Result<ChunkedDecoder::Event> ChunkedDecoder::read_header(Bytes& input) {
  TRY_ASSIGN(const bool whole, take_line(input, kChunkHeaderBytesMax, kReasonBadChunk));
  if (!whole) return Event{};
  return parse_header();
}

Result<ChunkedDecoder::Event> ChunkedDecoder::parse_header() {
  if (line_bare_) return refuse(kReasonBadChunk, "a chunk's header must end in CRLF");
  std::string_view rest = line_;
  uint64_t chunk_bytes = 0;
  if (!take_hex(rest, chunk_bytes)) {
    return refuse(kReasonBadChunk, "a chunk must begin with its size in 1 to 16 hex digits");
  }
  chunk_signature_.clear();
  if (kind_ == Kind::kUnsignedTrailer) {
    if (!rest.empty()) {
      return refuse(kReasonBadChunk, "a chunk of an unsigned body must not have an extension");
    }
  } else {
    if (!rest.starts_with(kSignatureExtension) ||
        !is_signature(rest.substr(kSignatureExtension.size()))) {
      return refuse(kReasonBadChunk,
                    "a signed chunk's size must be followed by \";chunk-signature=\" and 64 "
                    "lower-case hex digits");
    }
    chunk_signature_ = rest.substr(kSignatureExtension.size());
  }
  if (chunk_bytes > kChunkBytesMax || chunk_bytes > kDecodedBytesMax - decoded_bytes_) {
    return refuse(kReasonChunkTooLarge,
                  "a chunk or the whole body is too large: send smaller ones");
  }
  decoded_bytes_ += chunk_bytes;
  chunk_left_ = chunk_bytes;
  state_ = chunk_bytes == 0 ? State::kLastChunk : State::kData;
  return Event{
      .type = EventType::kChunkStart, .chunk_bytes = chunk_bytes, .signature = chunk_signature_};
}

ChunkedDecoder::Event ChunkedDecoder::read_data(Bytes& input) {
  if (input.empty()) return Event{};
  const Bytes data = input.first(std::min<uint64_t>(input.size(), chunk_left_));
  input = input.subspan(data.size());
  chunk_left_ -= data.size();
  if (chunk_left_ == 0) state_ = State::kDataEnd;
  return Event{.type = EventType::kData, .signature = chunk_signature_, .data = data};
}

Result<ChunkedDecoder::Event> ChunkedDecoder::read_data_end(Bytes& input) {
  TRY_ASSIGN(const bool whole, take_line(input, kEmptyLineBytesMax, kReasonBadChunk));
  if (!whole) return Event{};
  if (line_bare_ || !line_.empty()) {
    return refuse(kReasonBadChunk, "a chunk's data must be followed by CRLF");
  }
  state_ = State::kHeader;
  return Event{.type = EventType::kChunkEnd, .signature = chunk_signature_};
}

Result<ChunkedDecoder::Event> ChunkedDecoder::read_trailers(Bytes& input) {
  // Each turn takes at least one byte of a number of bytes that is bounded.
  while (true) {
    const size_t before = input.size();
    TRY_ASSIGN(const bool whole,
               take_line(input, kTrailersBytesMax - trailer_bytes_, kReasonBadTrailer));
    if (!whole) return Event{};
    trailer_bytes_ = std::min(kTrailersBytesMax, trailer_bytes_ + line_.size() + 2);
    CHECK(input.size() < before);
    if (!line_.empty()) {
      TRY(parse_trailer());
      continue;
    }
    if (kind_ == Kind::kSignedTrailer && trailer_signature_.empty() && extra_line_allowed_) {
      extra_line_allowed_ = false;
      continue;
    }
    TRY(end_of_trailers());
    return Event{.type = EventType::kEnd};
  }
}

Status ChunkedDecoder::parse_trailer() {
  const size_t colon = line_.find(':');
  std::string name = ascii_lower(std::string_view(line_).substr(0, colon));
  if (colon == line_.npos || !is_lower_token(name)) {
    return refuse(kReasonBadTrailer, "a trailer must be NAME:VALUE");
  }
  const std::string_view value = trim(std::string_view(line_).substr(colon + 1));
  if (has_control(value)) {
    return refuse(kReasonBadTrailer, "the trailer " + name + " has a control character");
  }
  if (!trailer_signature_.empty()) {
    return refuse(kReasonBadTrailer, "nothing may follow x-amz-trailer-signature");
  }
  if (name == kTrailerSignature) {
    if (kind_ != Kind::kSignedTrailer || !is_signature(value)) {
      return refuse(kReasonBadTrailer,
                    "x-amz-trailer-signature must be 64 lower-case hex digits, in signed bodies");
    }
    trailer_signature_ = value;
    return {};
  }
  if (trailers_.size() == kTrailersMax) return refuse(kReasonBadTrailer, "too many trailers");
  for (const auto& [other, other_value] : trailers_) {
    if (other == name) return refuse(kReasonBadTrailer, "the trailer " + name + " is given twice");
  }
  trailers_.emplace_back(std::move(name), value);
  extra_line_allowed_ = line_bare_;
  return {};
}

Status ChunkedDecoder::end_of_trailers() {
  if (kind_ == Kind::kSignedTrailer && trailer_signature_.empty()) {
    return refuse(kReasonBadTrailer, "the trailers must end in x-amz-trailer-signature");
  }
  state_ = State::kDone;
  if (kind_ == Kind::kSignedTrailer) extra_line_allowed_ = false;
  return {};
}

Result<ChunkedDecoder::Event> ChunkedDecoder::read_after_end(Bytes& input) {
  if (input.empty()) return Event{};
  if (!extra_line_allowed_) {
    return refuse(kReasonBadChunk, "more bytes follow the end of the body");
  }
  TRY_ASSIGN(const bool whole, take_line(input, kEmptyLineBytesMax, kReasonBadChunk));
  if (!whole) return Event{};
  if (!line_.empty()) return refuse(kReasonBadChunk, "more bytes follow the end of the body");
  extra_line_allowed_ = false;
  return read_after_end(input);
}

Result<bool> ChunkedDecoder::take_line(Bytes& input, size_t bytes_max, std::string_view reason) {
  if (line_done_) line_.clear();
  line_done_ = false;
  const std::string_view text = as_text(input);
  const size_t end = text.find('\n');
  const size_t taken = end == text.npos ? text.size() : end + 1;
  if (taken > bytes_max || line_.size() > bytes_max - taken) {
    return refuse(reason,
                  "a line of the chunked body is longer than allowed or not where it is due");
  }
  line_.append(text.substr(0, taken));
  input = input.subspan(taken);
  if (end == text.npos) return false;
  line_.pop_back();
  line_bare_ = line_.empty() || line_.back() != '\r';
  if (!line_bare_) line_.pop_back();
  if (line_.find('\r') != line_.npos) {
    return refuse(reason, "a line of the chunked body holds a carriage return");
  }
  line_done_ = true;
  return true;
}

}  // namespace strata::sigv4
