#include "common/http/form_data.h"

#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "common/http/syntax.h"

namespace strata::http {
namespace {

Error malformed_form(std::string message) {
  return {Code::kInvalidArgument, std::move(message)};
}

// RFC 2046 section 5.1.1, bchars; a space must not be the last.
bool is_boundary_byte(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

// Takes "name=value" or a bare word off the front of a list separated by ';'. A quoted value may
// hold anything, with '\' before '"' and '\'.
struct Parameter {
  std::string name;  // lower case
  std::string value;
};
std::optional<Parameter> take_parameter(std::string_view& list) {
  Parameter parameter;
  const size_t stop = list.find_first_of(";=");
  parameter.name = ascii_lower(trim(list.substr(0, stop)));
  if (stop == std::string_view::npos || list[stop] == ';') {
    list = stop == std::string_view::npos ? std::string_view() : list.substr(stop + 1);
    return parameter;
  }
  list = list.substr(stop + 1);
  while (!list.empty() && (list.front() == ' ' || list.front() == '\t')) list.remove_prefix(1);
  if (list.empty() || list.front() != '"') {
    const size_t end = list.find(';');
    parameter.value = std::string(trim(list.substr(0, end)));
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    return parameter;
  }
  size_t at = 1;
  for (; at < list.size() && list[at] != '"'; ++at) {
    if (list[at] == '\\' && at + 1 < list.size() && (list[at + 1] == '"' || list[at + 1] == '\\')) {
      ++at;
    }
    parameter.value += list[at];
  }
  if (at >= list.size()) return std::nullopt;  // the quotes do not end
  const std::string_view rest = trim(list.substr(at + 1));
  if (!rest.empty() && rest.front() != ';') return std::nullopt;
  list = rest.empty() ? rest : rest.substr(1);
  return parameter;
}

}  // namespace

Result<std::string> form_data_boundary(std::string_view content_type) {
  std::string_view list = content_type;
  const std::optional<Parameter> type = take_parameter(list);
  if (!type || type->name != "multipart/form-data") {
    return malformed_form("the Content-Type is not multipart/form-data");
  }
  std::optional<std::string> boundary;
  while (!list.empty()) {
    std::optional<Parameter> parameter = take_parameter(list);
    if (!parameter || (parameter->name == "boundary" && boundary)) {
      return malformed_form("the parameters of the Content-Type are malformed");
    }
    if (parameter->name == "boundary") boundary = std::move(parameter->value);
  }
  if (!boundary || boundary->empty() || boundary->size() > FormDataDecoder::kBoundaryBytesMax ||
      boundary->back() == ' ' || !std::ranges::all_of(*boundary, is_boundary_byte)) {
    return malformed_form("the Content-Type names no usable boundary");
  }
  return *std::move(boundary);
}

FormDataDecoder::FormDataDecoder(std::string_view boundary)
    : delimiter_("\r\n--" + std::string(boundary)), matched_(2) {}

Result<FormDataDecoder::Event> FormDataDecoder::next(Bytes& input) {
  for (;;) {
    if (input.empty()) return Event{};
    switch (state_) {
      case State::kPreamble: {
        TRY_ASSIGN(const Event event, next_data(input));
        if (event.type == EventType::kPartEnd) continue;  // the first boundary ends no part
        preamble_bytes_ += event.data.size();
        if (preamble_bytes_ > kPreambleBytesMax) {
          return malformed_form("the form does not begin with its boundary");
        }
        continue;
      }
      case State::kData:
        return next_data(input);
      case State::kDelimiter: {
        TRY_ASSIGN(const Event event, after_delimiter(input));
        if (event.type != EventType::kNeedMore) return event;
        continue;
      }
      case State::kHead: {
        TRY_ASSIGN(const Event event, next_head(input));
        if (event.type != EventType::kNeedMore) return event;
        continue;
      }
      case State::kEnd:
        return Event{EventType::kEnd, {}};
    }
  }
}

// Only the delimiter's first byte is a CR, so after a mismatch the search begins anew at the byte
// that did not match.
Result<FormDataDecoder::Event> FormDataDecoder::next_data(Bytes& input) {
  if (matched_ == 0) {
    const auto* begin = reinterpret_cast<const char*>(input.data());
    const void* cr = std::memchr(begin, '\r', input.size());
    const size_t plain =
        cr == nullptr ? input.size() : static_cast<size_t>(static_cast<const char*>(cr) - begin);
    if (plain > 0) {
      const Event event{EventType::kData, input.first(plain)};
      input = input.subspan(plain);
      return event;
    }
  }
  while (!input.empty() && matched_ < delimiter_.size() &&
         static_cast<char>(input.front()) == delimiter_[matched_]) {
    ++matched_;
    input = input.subspan(1);
  }
  if (matched_ == delimiter_.size()) {
    matched_ = 0;
    tail_.clear();
    state_ = State::kDelimiter;
    return Event{EventType::kPartEnd, {}};
  }
  if (input.empty()) return Event{};
  const size_t held = std::exchange(matched_, 0);
  // At the very beginning no line end was seen, though one counts as matched.
  const size_t unseen =
      state_ == State::kPreamble && preamble_bytes_ == 0 ? std::min<size_t>(held, 2) : 0;
  if (state_ == State::kPreamble) ++preamble_bytes_;
  return Event{EventType::kData,
               as_bytes(std::string_view(delimiter_).substr(unseen, held - unseen))};
}

Result<FormDataDecoder::Event> FormDataDecoder::after_delimiter(Bytes& input) {
  tail_ += static_cast<char>(input.front());
  input = input.subspan(1);
  if (tail_.size() < 2) return Event{};
  if (tail_ == "--") {
    state_ = State::kEnd;
    return Event{EventType::kEnd, {}};
  }
  if (tail_ != "\r\n")
    return malformed_form("a boundary of the form is not followed by a line end");
  if (++parts_ > kPartsMax) return Error(Code::kTooLarge, "the form has too many parts");
  tail_.clear();
  part_ = Part();
  named_ = false;
  state_ = State::kHead;
  return Event{};
}

Result<FormDataDecoder::Event> FormDataDecoder::next_head(Bytes& input) {
  static constexpr std::string_view kLineEnd = "\r\n";
  while (!input.empty()) {
    const char byte = static_cast<char>(input.front());
    input = input.subspan(1);
    tail_ += byte;
    if (tail_.size() > kPartHeadBytesMax) {
      return Error(Code::kTooLarge, "the head of a part of the form is too long");
    }
    if (byte != '\n') continue;
    if (!tail_.ends_with(kLineEnd))
      return malformed_form("a header line of the form ends with LF alone");
    // The lines so far stay in front, so that the bound is one of the whole head.
    const size_t before = tail_.rfind(kLineEnd, tail_.size() - kLineEnd.size() - 1);
    const size_t begin = before == std::string::npos || tail_.size() == kLineEnd.size()
                             ? 0
                             : before + kLineEnd.size();
    const std::string_view line =
        std::string_view(tail_).substr(begin, tail_.size() - kLineEnd.size() - begin);
    if (!line.empty()) {
      TRY(read_head_line(line));
      continue;
    }
    if (!named_) return malformed_form("a part of the form has no name");
    state_ = State::kData;
    matched_ = 0;
    return Event{EventType::kPart, {}};
  }
  return Event{};
}

Status FormDataDecoder::read_head_line(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !syntax::is_token(line.substr(0, colon)) ||
      !syntax::is_field_value(line.substr(colon + 1))) {
    return malformed_form("a header line of the form is malformed");
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (ascii_iequals(name, "content-type")) part_.content_type = std::string(value);
  if (ascii_iequals(name, "content-transfer-encoding") && !ascii_iequals(value, "binary") &&
      !ascii_iequals(value, "8bit") && !ascii_iequals(value, "7bit")) {
    return malformed_form("a part of the form has a transfer encoding");
  }
  if (!ascii_iequals(name, "content-disposition")) return {};
  std::string_view list = value;
  const std::optional<Parameter> kind = take_parameter(list);
  if (named_ || !kind || kind->name != "form-data") {
    return malformed_form("a part of the form is not form-data");
  }
  while (!list.empty()) {
    std::optional<Parameter> parameter = take_parameter(list);
    if (!parameter) return malformed_form("a Content-Disposition of the form is malformed");
    if (parameter->name == "name") {
      if (named_) return malformed_form("a part of the form has two names");
      named_ = true;
      part_.name = std::move(parameter->value);
    } else if (parameter->name == "filename") {
      if (part_.filename) return malformed_form("a part of the form has two file names");
      part_.filename = std::move(parameter->value);
    }
  }
  if (!named_ || part_.name.empty()) return malformed_form("a part of the form has no name");
  return {};
}

}  // namespace strata::http
