// fuzz-deps: common_sigv4 common_digest common_codec common_base
// What a stranger can send to be authenticated. The input is split at line feeds: Authorization,
// query, path, then header values.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/sigv4/authorization.h"
#include "common/sigv4/canonical.h"
#include "common/sigv4/client.h"

using namespace strata;

namespace {

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

void check_authorization(const sigv4::Authorization& authorization) {
  CHECK(authorization.signature.size() == 64);
  CHECK(!authorization.signed_headers.empty());
  CHECK(authorization.signed_headers.size() <= sigv4::kSignedHeadersMax);
  CHECK(std::is_sorted(authorization.signed_headers.begin(), authorization.signed_headers.end()));
  const auto again = sigv4::parse_credential(authorization.credential.to_string(), "again");
  CHECK(again.ok() && again->scope == authorization.credential.scope);
}

// Canonical texts are fixed points, since '+' and '%' never stand in them unescaped.
void check_canonical(std::string_view path, std::string_view query) {
  if (const auto canonical = sigv4::canonical_path(path); canonical.ok()) {
    if (canonical->size() <= sigv4::kPathBytesMax) {
      CHECK(*sigv4::canonical_path(*canonical) == *canonical);
    }
  }
  if (const auto canonical = sigv4::canonical_query(query); canonical.ok()) {
    if (canonical->size() <= sigv4::kQueryBytesMax) {
      CHECK(*sigv4::canonical_query(*canonical) == *canonical);
    }
  }
}

// What our client signs on any path and query, our server's parser reads back.
void check_client(std::string_view path, std::string_view query) {
  sigv4::ClientRequest request;
  request.path = path;
  request.query = query;
  request.headers = {{"host", "h"}};
  const sigv4::Keys keys{.access_key = "AK", .secret = "secret", .session_token = {}};
  if (sigv4::is_presigned(query)) return;
  const auto presigned = sigv4::presign_query(request, keys, "r", {}, std::chrono::seconds(1));
  if (presigned.ok()) CHECK(sigv4::is_presigned(*presigned));
  if (sigv4::sign_request(request, keys, "r", {}, sigv4::kUnsignedPayload).ok()) {
    CHECK(sigv4::parse_authorization(request.headers.back().second).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view header = take_line(rest);
  const std::string_view query = take_line(rest);
  const std::string_view path = take_line(rest);
  std::vector<std::string> signed_headers = {"host"};
  if (const auto authorization = sigv4::parse_authorization(header); authorization.ok()) {
    check_authorization(*authorization);
    signed_headers = authorization->signed_headers;
  }
  if (const auto presigned = sigv4::parse_presigned(query); presigned.ok()) {
    check_authorization(presigned->authorization);
    CHECK(presigned->expires.count() >= 1 && presigned->expires <= sigv4::kPresignedValidityMax);
    (void)sigv4::check_presigned_time(*presigned, presigned->signed_at);
  }
  (void)sigv4::parse_content_sha256(header);
  check_canonical(path, query);
  check_client(path, query);
  std::vector<std::pair<std::string, std::string>> headers;
  for (const std::string& name : signed_headers) headers.emplace_back(name, take_line(rest));
  const auto canonical = sigv4::canonical_request(
      {.method = "GET", .path = path, .query = query, .headers = headers}, signed_headers, "hash");
  if (canonical.ok()) CHECK(canonical->ends_with("\nhash"));
  return 0;
}
