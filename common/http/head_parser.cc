#include "common/http/head_parser.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include "common/base/parse.h"
#include "common/http/syntax.h"

namespace strata::http {
namespace {

using MaybeRefusal = std::optional<Refusal>;

constexpr uint64_t kContentLengthMax = std::numeric_limits<int64_t>::max();
constexpr std::string_view kAbsolutePrefix = "http://";
constexpr char kTlsHandshake = 0x16;
// Enough for any client seen; more fields grow the list.
constexpr size_t kUsualFields = 16;

Refusal bad(std::string_view why) noexcept {
  return {400, why};
}

// Takes the next line from the text, without its CRLF. False if there is no CRLF.
bool take_line(std::string_view& text, std::string_view& line) noexcept {
  const size_t end = text.find("\r\n");
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return true;
}

MaybeRefusal parse_version(std::string_view text, int& minor) noexcept {
  if (text == "HTTP/1.1" || text == "HTTP/1.0") {
    minor = text.back() - '0';
    return std::nullopt;
  }
  const auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
  if (text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
      is_digit(text[7])) {
    return Refusal{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  }
  return bad("the request line does not end in an HTTP version");
}

// Splits the target into path and query; for an absolute target its authority goes to `authority`.
MaybeRefusal parse_target(std::string_view target, RequestHead& out, std::string_view& authority) {
  if (!syntax::is_target(target)) return bad("the request target has a byte that must be encoded");
  if (ascii_iequals(target.substr(0, kAbsolutePrefix.size()), kAbsolutePrefix)) {
    target.remove_prefix(kAbsolutePrefix.size());
    const size_t authority_end = target.find_first_of("/?");
    authority = target.substr(0, authority_end);
    target.remove_prefix(authority.size());
    if (authority.empty()) return bad("the absolute request target names no host");
    out.target = target.starts_with('/') ? std::string() : std::string("/");
    out.target += target;
  } else {
    if (!target.starts_with('/')) return bad("the request target is not a path");
    out.target = target;
  }
  const std::string_view whole = out.target;
  const size_t mark = whole.find('?');
  out.path = whole.substr(0, mark);
  if (mark == std::string_view::npos) {
    out.query.clear();
  } else {
    out.query = whole.substr(mark + 1);
  }
  return std::nullopt;
}

MaybeRefusal parse_request_line(std::string_view line, RequestHead& out,
                                std::string_view& authority) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return bad("the request line is not 'METHOD target HTTP/1.1'");
  }
  const std::string_view method = line.substr(0, first);
  if (!syntax::is_token(method)) return bad("the method has a byte that no method may have");
  out.method = method;
  // The version first: what another version's target means is not ours to judge.
  if (MaybeRefusal refusal = parse_version(line.substr(last + 1), out.minor_version)) {
    return refusal;
  }
  return parse_target(line.substr(first + 1, last - first - 1), out, authority);
}

MaybeRefusal parse_fields(std::string_view text, size_t fields_max, Fields& out) {
  std::string_view line;
  size_t count = 0;
  while (take_line(text, line)) {
    if (line.empty()) {
      if (!text.empty()) return bad("bytes follow the head's empty line");
      return std::nullopt;
    }
    if (++count > fields_max) return Refusal{431, "the head has too many fields"};
    std::string_view why;
    const std::optional<FieldLine> field = parse_field_line(line, why);
    if (!field) return bad(why);
    out.add(ascii_lower(field->name), std::string(field->value));
  }
  return bad("the head does not end in an empty line");
}

// What the framing and connection fields said, gathered in one pass.
struct Control {
  size_t hosts = 0;
  size_t lengths = 0;
  size_t encodings = 0;
  std::string_view host;
  std::string_view length;
  std::string_view encoding;
  bool close = false;
  bool keep_alive = false;
  bool expect_continue = false;
};

void note_connection(std::string_view list, Control& control) noexcept {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view option = trim(list.substr(0, comma));
    if (ascii_iequals(option, "close")) control.close = true;
    if (ascii_iequals(option, "keep-alive")) control.keep_alive = true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
}

Control gather(const Fields& fields) noexcept {
  Control control;
  for (const auto& [name, value] : fields.all()) {
    if (name == "host") {
      ++control.hosts;
      control.host = value;
    } else if (name == "content-length") {
      ++control.lengths;
      control.length = value;
    } else if (name == "transfer-encoding") {
      ++control.encodings;
      control.encoding = value;
    } else if (name == "connection") {
      note_connection(value, control);
    } else if (name == "expect" && ascii_iequals(value, "100-continue")) {
      control.expect_continue = true;
    }
  }
  return control;
}

MaybeRefusal judge_host(const Control& control, std::string_view authority, int minor) noexcept {
  if (control.hosts > 1) return bad("the Host field is repeated");
  if (control.hosts == 0) {
    if (minor >= 1) return bad("the Host field is missing");
    return std::nullopt;
  }
  if (!syntax::is_host(control.host)) return bad("the Host field is not a host");
  if (!authority.empty() && !ascii_iequals(authority, control.host)) {
    return bad("the Host field differs from the host of the request target");
  }
  return std::nullopt;
}

MaybeRefusal judge_framing(const Control& control, RequestHead& out) noexcept {
  if (control.encodings > 0 && control.lengths > 0) {
    return bad("Content-Length and Transfer-Encoding exclude each other");
  }
  if (control.lengths > 1) return bad("the Content-Length field is repeated");
  if (control.encodings > 1) return bad("the Transfer-Encoding field is repeated");
  if (control.lengths == 1) {
    const std::optional<uint64_t> length = parse_u64(control.length);
    if (!length || *length > kContentLengthMax) return bad("Content-Length is not a length");
    out.content_length = length;
  }
  if (control.encodings == 1) {
    if (out.minor_version == 0) return bad("HTTP/1.0 has no Transfer-Encoding");
    if (!ascii_iequals(control.encoding, "chunked")) {
      return Refusal{501, "the only Transfer-Encoding understood is 'chunked'"};
    }
    out.chunked = true;
  }
  return std::nullopt;
}

}  // namespace

HeadScanner::State HeadScanner::refuse(int status, std::string_view why) noexcept {
  refusal_ = {status, why};
  return State::kRefused;
}

HeadScanner::State HeadScanner::scan(std::string_view buffer) noexcept {
  if (!buffer.empty() && !syntax::is_token_byte(buffer.front()) && buffer.front() != '\r') {
    if (buffer.front() == kTlsHandshake) {
      return refuse(400, "this port speaks HTTP without TLS: use http:// in the address");
    }
    if (buffer.front() == '\n') return refuse(400, "a line ends in LF without CR");
    return refuse(400, "the first byte begins no HTTP request");
  }
  while (scanned_ < buffer.size()) {
    const size_t end = buffer.find('\n', scanned_);
    if (end == std::string_view::npos) {
      scanned_ = buffer.size();
      break;
    }
    if (end == line_begin_ || buffer[end - 1] != '\r') {
      return refuse(400, "a line ends in LF without CR");
    }
    const bool empty_line = end - 1 == line_begin_;
    line_begin_ = end + 1;
    scanned_ = end + 1;
    // RFC 9112 section 2.2: one empty line before the request line is passed over.
    if (empty_line && lines_ > 0) {
      if (line_begin_ > bytes_max_) break;
      head_size_ = line_begin_;
      return State::kComplete;
    }
    ++lines_;
  }
  if (buffer.size() >= bytes_max_) {
    return lines_ == 0 ? refuse(414, "the request line is too long")
                       : refuse(431, "the head is too long");
  }
  return State::kMore;
}

std::optional<FieldLine> parse_field_line(std::string_view line, std::string_view& why) noexcept {
  if (line.starts_with(' ') || line.starts_with('\t')) {
    why = "a field is folded over lines";
    return std::nullopt;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    why = "a field has no colon";
    return std::nullopt;
  }
  const std::string_view name = line.substr(0, colon);
  if (name.ends_with(' ') || name.ends_with('\t')) {
    why = "white space stands before a field's colon";
    return std::nullopt;
  }
  if (!syntax::is_token(name)) {
    why = "a field name is empty or has a byte that no name may have";
    return std::nullopt;
  }
  const std::string_view value = line.substr(colon + 1);
  if (!syntax::is_field_value(value)) {
    why = "a field value has a control byte";
    return std::nullopt;
  }
  return FieldLine{name, trim(value)};
}

std::optional<Refusal> parse_head(std::string_view head, size_t fields_max, RequestHead& out) {
  out.fields.clear();
  out.content_length.reset();
  out.chunked = false;
  out.expect_continue = false;
  out.keep_alive = false;
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  std::string_view line;
  if (!take_line(head, line)) return bad("the request line does not end in CRLF");
  std::string_view authority;
  if (MaybeRefusal refusal = parse_request_line(line, out, authority)) return refusal;
  out.fields.reserve(kUsualFields);
  if (MaybeRefusal refusal = parse_fields(head, fields_max, out.fields)) return refusal;
  const Control control = gather(out.fields);
  if (MaybeRefusal refusal = judge_host(control, authority, out.minor_version)) return refusal;
  if (MaybeRefusal refusal = judge_framing(control, out)) return refusal;
  if (out.minor_version >= 1) {
    out.expect_continue = control.expect_continue;
    out.keep_alive = !control.close;
  } else {
    out.keep_alive = control.keep_alive && !control.close;
  }
  return std::nullopt;
}

}  // namespace strata::http
