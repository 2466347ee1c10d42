// Signs requests as a client does: for tests, for benchmarks and for printing presigned URLs.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/sigv4/authorization.h"
#include "common/sigv4/scope.h"

namespace strata::sigv4 {

struct Keys {
  std::string access_key;
  std::string secret;
  std::string session_token;  // empty: none
};

// A request to be signed. Names in lower case; "host" must be among them.
struct ClientRequest {
  std::string method = "GET";
  std::string path = "/";  // percent-encoded, as it will be sent
  std::string query;       // percent-encoded, as it will be sent
  std::vector<std::pair<std::string, std::string>> headers;
};

// Adds x-amz-date, x-amz-content-sha256, x-amz-security-token (if any) and authorization, signing
// every header. payload_hash: hex SHA-256 of the body, UNSIGNED-PAYLOAD or a STREAMING-... form.
// Gives the signature: the seed of a chunked body. kInvalidArgument for a bad path or query.
[[nodiscard]] Result<std::string> sign_request(ClientRequest& request, const Keys& keys,
                                               std::string_view region, Time now,
                                               std::string_view payload_hash,
                                               std::string_view service = "s3");

// The whole query string (request.query and the X-Amz-* parameters) of a presigned URL. Signs every
// header of the request, so usually only host is there. The body is unsigned.
// kInvalidArgument for a validity outside 1 s to 7 days, a bad path or query.
[[nodiscard]] Result<std::string> presign_query(const ClientRequest& request, const Keys& keys,
                                                std::string_view region, Time now,
                                                std::chrono::seconds validity,
                                                std::string_view service = "s3");

}  // namespace strata::sigv4
