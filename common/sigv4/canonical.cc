#include "common/sigv4/canonical.h"

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include "common/codec/text.h"
#include "common/sigv4/authorization.h"

namespace strata::sigv4 {
namespace {

// Room made in advance for what a presigned URL or an SDK sends; more is taken as it comes.
constexpr size_t kUsualParameters = 8;
constexpr size_t kUsualRequestBytes = 512;

Error bad_target(std::string message) {
  return {Code::kInvalidArgument, kReasonBadRequestTarget, std::move(message)};
}

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

// A view of the text in its one spelling. What most clients send has it; what has not is decoded
// and encoded again into `respelt`, whose elements stay where they are.
Result<std::string_view> normalise(std::string_view raw, bool encode_slash, bool plus_is_space,
                                   std::list<std::string>& respelt) {
  if (codec::is_uri_encoded(raw, encode_slash)) return raw;
  const auto decoded = codec::uri_decode(raw, plus_is_space);
  if (!decoded) return bad_target("the request target has a bad percent escape");
  return std::string_view(respelt.emplace_back(codec::uri_encode(*decoded, encode_slash)));
}

Status append_path(std::string& out, std::string_view raw_path) {
  if (raw_path.size() > kPathBytesMax) return bad_target("the path is too long");
  std::list<std::string> respelt;
  TRY_ASSIGN(const std::string_view path, normalise(raw_path, false, false, respelt));
  out += path.empty() ? std::string_view("/") : path;
  return {};
}

Status append_query(std::string& out, std::string_view raw_query) {
  if (raw_query.size() > kQueryBytesMax) return bad_target("the query is too long");
  std::list<std::string> respelt;
  std::vector<std::pair<std::string_view, std::string_view>> parameters;
  parameters.reserve(kUsualParameters);
  while (!raw_query.empty()) {
    const size_t end = raw_query.find('&');
    const std::string_view parameter = raw_query.substr(0, end);
    raw_query.remove_prefix(end == raw_query.npos ? raw_query.size() : end + 1);
    if (parameter.empty()) continue;
    if (parameters.size() == kQueryParametersMax) {
      return bad_target("the query has too many parameters");
    }
    const size_t equals = parameter.find('=');
    TRY_ASSIGN(const std::string_view name,
               normalise(parameter.substr(0, equals), true, true, respelt));
    if (name == "X-Amz-Signature") continue;
    const std::string_view raw_value =
        equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1);
    TRY_ASSIGN(const std::string_view value, normalise(raw_value, true, true, respelt));
    parameters.emplace_back(name, value);
  }
  std::sort(parameters.begin(), parameters.end());
  bool first = true;
  for (const auto& [name, value] : parameters) {
    if (!std::exchange(first, false)) out += '&';
    out.append(name).append("=").append(value);
  }
  return {};
}

void append_header_value(std::string& out, std::string_view value) {
  bool pending_space = false;
  bool any = false;
  for (const char c : value) {
    if (is_space(c)) {
      pending_space = any;
      continue;
    }
    if (pending_space) out += ' ';
    pending_space = false;
    any = true;
    out += c;
  }
}

// "name:value\n" of one signed header; repeated fields are joined with a comma.
Status append_header(std::string& out, HeaderList headers, const std::string& name) {
  bool found = false;
  out += name;
  out += ':';
  for (const auto& [field, value] : headers) {
    if (field != name) continue;
    if (found) out += ',';
    append_header_value(out, value);
    found = true;
  }
  if (!found) {
    return Error(Code::kPermissionDenied, kReasonSignedHeaderMissing,
                 "the signed header \"" + name + "\" is not in the request");
  }
  out += '\n';
  return {};
}

}  // namespace

Result<std::string> canonical_path(std::string_view raw_path) {
  std::string text;
  TRY(append_path(text, raw_path));
  return text;
}

Result<std::string> canonical_query(std::string_view raw_query) {
  std::string text;
  TRY(append_query(text, raw_query));
  return text;
}

std::string canonical_header_value(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  append_header_value(text, value);
  return text;
}

Result<std::string> canonical_request(const RequestView& request, NameList signed_headers,
                                      std::string_view payload_hash) {
  std::string text;
  text.reserve(kUsualRequestBytes + request.path.size() + request.query.size());
  text.append(request.method).append("\n");
  TRY(append_path(text, request.path));
  text += '\n';
  TRY(append_query(text, request.query));
  text += '\n';
  for (const std::string& name : signed_headers) TRY(append_header(text, request.headers, name));
  text += '\n';
  for (size_t i = 0; i < signed_headers.size(); ++i) {
    if (i > 0) text += ';';
    text += signed_headers[i];
  }
  text.append("\n").append(payload_hash);
  return text;
}

Status check_headers_signed(HeaderList headers, NameList signed_headers) {
  const auto check = [&](std::string_view name) -> Status {
    if (std::find(signed_headers.begin(), signed_headers.end(), name) != signed_headers.end()) {
      return {};
    }
    return Error(
        Code::kPermissionDenied, kReasonHeadersNotSigned,
        "There were headers present in the request which were not signed: " + std::string(name));
  };
  TRY(check("host"));
  for (const auto& field : headers) {
    if (field.first.starts_with("x-amz-")) TRY(check(field.first));
  }
  return {};
}

}  // namespace strata::sigv4
