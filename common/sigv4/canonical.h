// The canonical form of a request, which client and server must both arrive at.
//
// S3's flavour: the path is percent-encoded once and never normalised, so "/a//b" and "/a/../b"
// stay what they are. Pure functions, safe from any thread.
// Source: Amazon S3 API reference, "Signature Calculations for the Authorization Header".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::sigv4 {

// Header fields with lower-case names in the order received, as common/http's Fields::all() gives.
using HeaderList = std::span<const std::pair<std::string, std::string>>;
using NameList = std::span<const std::string>;

inline constexpr size_t kPathBytesMax = 16 * kKiB;
inline constexpr size_t kQueryBytesMax = 64 * kKiB;
inline constexpr size_t kQueryParametersMax = 256;

// A request as it came over the wire; the views are only used during a call.
struct RequestView {
  std::string_view method;  // "GET"
  std::string_view path;    // from the request line, still encoded, without the query
  std::string_view query;   // after '?', still encoded; empty if none
  HeaderList headers;
};

// The path decoded once and encoded again, '/' kept; "/" for an empty one.
// kInvalidArgument kReasonBadRequestTarget on a bad escape or too long a path.
[[nodiscard]] Result<std::string> canonical_path(std::string_view raw_path);

// Parameters decoded ('+' is a space), encoded again and sorted by name, then value;
// X-Amz-Signature left out. "name" alone becomes "name=". The same errors as canonical_path.
[[nodiscard]] Result<std::string> canonical_query(std::string_view raw_query);

// The value with white space trimmed at its ends and runs of it collapsed to one space.
[[nodiscard]] std::string canonical_header_value(std::string_view value);

// The whole canonical request. signed_headers: lower case and sorted; payload_hash: the value of
// x-amz-content-sha256, or UNSIGNED-PAYLOAD for a presigned URL without that header. Fields that
// occur twice are joined with a comma. kPermissionDenied kReasonSignedHeaderMissing if the request
// lacks a signed header; the errors of canonical_path.
[[nodiscard]] Result<std::string> canonical_request(const RequestView& request,
                                                    NameList signed_headers,
                                                    std::string_view payload_hash);

// The server's rule: host and every x-amz-* header of the request must be signed.
// kPermissionDenied kReasonHeadersNotSigned, naming the first that is not.
[[nodiscard]] Status check_headers_signed(HeaderList headers, NameList signed_headers);

}  // namespace strata::sigv4
