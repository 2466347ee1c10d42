#include "objstore/s3/route.h"

#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"

namespace strata::s3 {

namespace {

constexpr std::string_view kAmzFields = "x-amz-";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// The parameters of a presigned URL itself; all other x-amz-* parameters stand for headers.
constexpr std::string_view kSignatureParameters[] = {
    "x-amz-algorithm",     "x-amz-credential", "x-amz-date",           "x-amz-expires",
    "x-amz-signedheaders", "x-amz-signature",  "x-amz-security-token", "x-amz-content-sha256"};

bool is_signature_parameter(std::string_view given) {
  return std::any_of(std::begin(kSignatureParameters), std::end(kSignatureParameters),
                     [given](std::string_view name) { return ascii_iequals(name, given); });
}

// What SDKs put into a URL that they sign before its body exists: the checksum of no body at all.
// S3 passes it over there, and programs rely on it; a checksum in a header is verified.
bool is_checksum_of_no_body(std::string_view lower_name) {
  return lower_name.starts_with("x-amz-checksum-crc") ||
         lower_name.starts_with("x-amz-checksum-sha") ||
         lower_name.starts_with("x-amz-checksum-xxhash") || lower_name == "x-amz-checksum-md5" ||
         lower_name == "x-amz-sdk-checksum-algorithm";
}

bool matches(const OperationInfo& row, const ParsedRequest& request) {
  if (row.level != request.level() || row.method != request.head().method) return false;
  if (!row.selector.empty()) {
    const std::string* value = request.query().find(row.selector);
    if (value == nullptr) return false;
    if (!row.selector_value.empty() && *value != row.selector_value) return false;
  }
  if (!row.also.empty() && !request.query().has(row.also)) return false;
  return row.header.empty() || request.fields().find(row.header) != nullptr;
}

bool level_has_selector(Level level, std::string_view name) {
  for (const OperationInfo& row : operations()) {
    if (row.level == level && row.selector == name) return true;
  }
  return false;
}

// What to answer when the query selects something that the row found does not stand for.
Status check_other_selectors(const OperationInfo& row, const ParsedRequest& request) {
  const bool read_of_object = request.level() == Level::kObject &&
                              (request.head().method == "GET" || request.head().method == "HEAD");
  for (const QueryParameter& parameter : request.query().all()) {
    if (parameter.name == row.selector) continue;
    // A part without its upload would become the object.
    if (parameter.name == "partNumber" && row.selector.empty() && !read_of_object) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "partNumber is given without the uploadId that it belongs to.");
    }
    if (!is_selector(parameter.name)) {
      // A bare name asks for a subresource; one with a value may be anything, and S3 ignores it.
      if (parameter.has_value || parameter.name == row.also || read_of_object) continue;
      return not_implemented("the subresource " + parameter.name);
    }
    if (!row.selector.empty()) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "Conflicting query string parameters: " + std::string(row.selector) + ", " +
                       parameter.name);
    }
    if (parameter.name == "list-type") {
      return Error(Code::kInvalidArgument, code::kInvalidArgument, "list-type must be 2.");
    }
    if (level_has_selector(request.level(), parameter.name)) {
      return Error(Code::kInvalidArgument, code::kMethodNotAllowed,
                   "The specified method is not allowed against this resource.");
    }
    return not_implemented("the subresource " + parameter.name);
  }
  return {};
}

}  // namespace

std::string bucket_of_host(std::string_view host, std::span<const std::string> domains) {
  if (host.size() > kHostBytesMax) return {};
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && parse_u64(host.substr(colon + 1))) {
    host = host.substr(0, colon);
  }
  const std::string lower = ascii_lower(host);
  for (const std::string& domain : domains) {
    if (lower.size() <= domain.size() + 1 || !lower.ends_with(domain)) continue;
    if (lower[lower.size() - domain.size() - 1] != '.') continue;
    return lower.substr(0, lower.size() - domain.size() - 1);
  }
  return {};
}

Result<ParsedRequest> ParsedRequest::parse(const http::RequestHead& head,
                                           std::span<const std::string> domains) {
  ParsedRequest request;
  request.head_ = &head;
  const std::string host_bucket = bucket_of_host(head.fields.get("host"), domains);
  request.virtual_host_ = !host_bucket.empty();
  TRY(request.parse_path(host_bucket));
  TRY_ASSIGN(request.query_, Query::parse(head.query));
  TRY(request.hoist_query());
  return request;
}

ParsedRequest ParsedRequest::of_form(const ParsedRequest& post, std::string key,
                                     http::Fields fields) {
  ParsedRequest request = post;
  request.key_ = std::move(key);
  request.merged_ = std::move(fields);
  return request;
}

Status ParsedRequest::parse_path(std::string_view host_bucket) {
  std::string_view path = head_->path;
  if (path.empty() || path.front() != '/') {
    return Error(Code::kInvalidArgument, code::kInvalidUri, "The request target has no path.");
  }
  path.remove_prefix(1);
  std::string_view raw_bucket;
  if (host_bucket.empty()) {
    const size_t slash = path.find('/');
    raw_bucket = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  auto bucket = host_bucket.empty() ? codec::uri_decode(raw_bucket) : std::string(host_bucket);
  auto key = codec::uri_decode(path);
  if (!bucket || !key || !codec::is_utf8(*bucket) || !codec::is_utf8(*key) ||
      key->find('\0') != std::string::npos) {
    return Error(Code::kInvalidArgument, code::kInvalidUri, "Couldn't parse the specified URI.");
  }
  if (bucket->empty() && !key->empty()) {
    return Error(Code::kInvalidArgument, "InvalidBucketName",
                 "The specified bucket is not valid: its name is empty.");
  }
  bucket_ = std::move(*bucket);
  key_ = std::move(*key);
  return {};
}

Status ParsedRequest::hoist_query() {
  for (const QueryParameter& parameter : query_.all()) {
    const std::string_view prefix = std::string_view(parameter.name).substr(0, kAmzFields.size());
    if (!ascii_iequals(prefix, kAmzFields) || is_signature_parameter(parameter.name)) continue;
    std::string name = ascii_lower(parameter.name);
    if (is_checksum_of_no_body(name)) continue;
    if (std::any_of(name.begin(), name.end(), is_control) ||
        std::any_of(parameter.value.begin(), parameter.value.end(), is_control)) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "The query parameter of a header holds a control character.");
    }
    if (fields().find(name) != nullptr) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   name + " is given in the headers and in the query.");
    }
    if (!merged_) merged_ = head_->fields;
    merged_->add(std::move(name), parameter.value);
  }
  return {};
}

Level ParsedRequest::level() const noexcept {
  if (bucket_.empty()) return Level::kService;
  return key_.empty() ? Level::kBucket : Level::kObject;
}

Result<const OperationInfo*> route(const ParsedRequest& request) {
  // Most requests name no subresource: for them only the rows without one are looked at.
  const std::vector<QueryParameter>& query = request.query().all();
  const bool selects = std::any_of(query.begin(), query.end(), [](const QueryParameter& parameter) {
    return is_selector(parameter.name);
  });
  for (const OperationInfo& row : operations()) {
    if (!selects && !row.selector.empty()) continue;
    if (!matches(row, request)) continue;
    TRY(check_other_selectors(row, request));
    return &row;
  }
  return Error(Code::kInvalidArgument, code::kMethodNotAllowed,
               "The specified method is not allowed against this resource.");
}

}  // namespace strata::s3
