// FormDataDecoder: takes a multipart/form-data body (RFC 7578, RFC 2046) apart, piece by piece.
//
// Strict: CRLF only, no transfer encodings, every part a named form-data field. Data is passed on
// as it arrives; only the head of a part is kept.
//
// Thread rule: a value; one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::http {

// The boundary that a Content-Type of multipart/form-data names: 1 to 70 of the characters that
// RFC 2046 allows. kInvalidArgument for another type or a bad boundary.
[[nodiscard]] Result<std::string> form_data_boundary(std::string_view content_type);

class FormDataDecoder {
 public:
  static constexpr size_t kBoundaryBytesMax = 70;
  static constexpr size_t kPartHeadBytesMax = 4 * kKiB;  // the header lines of one part
  static constexpr size_t kPreambleBytesMax = kKiB;      // what may come before the first boundary
  static constexpr size_t kPartsMax = 1000;

  struct Part {
    std::string name;
    std::optional<std::string> filename;
    std::string content_type;  // empty if it has none
  };
  enum class EventType {
    kNeedMore,  // all of the input was used
    kPart,      // a part begins: part()
    kData,      // bytes of it
    kPartEnd,
    kEnd,  // the last boundary: what follows is not part of the form
  };
  struct Event {
    EventType type = EventType::kNeedMore;
    Bytes data;  // kData: of the input or of the decoder, until the next call
  };

  explicit FormDataDecoder(std::string_view boundary);

  // The next event, `input` advanced past what it took. kInvalidArgument for what is malformed,
  // kTooLarge beyond a bound; after an error or kEnd the decoder is not used again.
  [[nodiscard]] Result<Event> next(Bytes& input);

  // The part that began last.
  [[nodiscard]] const Part& part() const noexcept { return part_; }

 private:
  enum class State { kPreamble, kData, kDelimiter, kHead, kEnd };
  [[nodiscard]] Result<Event> next_data(Bytes& input);
  [[nodiscard]] Result<Event> after_delimiter(Bytes& input);
  [[nodiscard]] Result<Event> next_head(Bytes& input);
  [[nodiscard]] Status read_head_line(std::string_view line);

  const std::string delimiter_;  // CRLF "--" boundary
  State state_ = State::kPreamble;
  size_t matched_;  // bytes of the delimiter seen and held back
  size_t preamble_bytes_ = 0;
  size_t parts_ = 0;
  std::string tail_;  // after the delimiter, or the head of a part so far
  Part part_;
  bool named_ = false;
};

}  // namespace strata::http
