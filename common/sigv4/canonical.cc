#include "common/sigv4/canonical.h"

#include <algorithm>
#include <vector>

#include "common/codec/text.h"
#include "common/sigv4/authorization.h"

namespace strata::sigv4 {
namespace {

Error bad_target(std::string message) {
  return {Code::kInvalidArgument, kReasonBadRequestTarget, std::move(message)};
}

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

// Decoded and encoded again, so that every spelling of a text becomes one.
Result<std::string> normalise(std::string_view raw) {
  const auto decoded = codec::uri_decode(raw, true);
  if (!decoded) return bad_target("the query has a bad percent escape");
  return codec::uri_encode(*decoded, true);
}

// "name:value\n" of one signed header; repeated fields are joined with a comma.
Status append_header(std::string& out, HeaderList headers, const std::string& name) {
  bool found = false;
  out += name;
  out += ':';
  for (const auto& [field, value] : headers) {
    if (field != name) continue;
    if (found) out += ',';
    out += canonical_header_value(value);
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
  if (raw_path.size() > kPathBytesMax) return bad_target("the path is too long");
  if (raw_path.empty()) return std::string("/");
  const auto decoded = codec::uri_decode(raw_path);
  if (!decoded) return bad_target("the path has a bad percent escape");
  return codec::uri_encode(*decoded, false);
}

Result<std::string> canonical_query(std::string_view raw_query) {
  if (raw_query.size() > kQueryBytesMax) return bad_target("the query is too long");
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!raw_query.empty()) {
    const size_t end = raw_query.find('&');
    const std::string_view parameter = raw_query.substr(0, end);
    raw_query.remove_prefix(end == raw_query.npos ? raw_query.size() : end + 1);
    if (parameter.empty()) continue;
    if (parameters.size() == kQueryParametersMax) {
      return bad_target("the query has too many parameters");
    }
    const size_t equals = parameter.find('=');
    TRY_ASSIGN(std::string name, normalise(parameter.substr(0, equals)));
    if (name == "X-Amz-Signature") continue;
    TRY_ASSIGN(
        std::string value,
        normalise(equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1)));
    parameters.emplace_back(std::move(name), std::move(value));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (!text.empty()) text += '&';
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string canonical_header_value(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  bool pending_space = false;
  for (const char c : value) {
    if (is_space(c)) {
      pending_space = !text.empty();
      continue;
    }
    if (pending_space) text += ' ';
    pending_space = false;
    text += c;
  }
  return text;
}

Result<std::string> canonical_request(const RequestView& request, NameList signed_headers,
                                      std::string_view payload_hash) {
  std::string text(request.method);
  TRY_ASSIGN(const std::string path, canonical_path(request.path));
  TRY_ASSIGN(const std::string query, canonical_query(request.query));
  text.append("\n").append(path).append("\n").append(query).append("\n");
  for (const std::string& name : signed_headers) TRY(append_header(text, request.headers, name));
  text += '\n';
  for (size_t i = 0; i < signed_headers.size(); ++i) {
    if (i > 0) text += ';';
    text += signed_headers[i];
  }
  return text.append("\n").append(payload_hash);
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
