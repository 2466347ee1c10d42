// What a request claims of its body: x-amz-checksum-*, x-amz-trailer, x-amz-sdk-checksum-algorithm
// and Content-MD5. Source: Amazon S3 user guide, "Checking object integrity".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/digest/checksum.h"
#include "common/http/message.h"
#include "objstore/object/types.h"

namespace strata::s3 {

struct ClaimedChecksum {
  digest::ChecksumAlgorithm algorithm{};
  std::optional<std::string> value;  // raw; absent: it comes in a trailer
};

// "x-amz-checksum-crc32".
[[nodiscard]] std::string checksum_header(digest::ChecksumAlgorithm algorithm);

// The one checksum that the fields claim of the body, if any. kInvalidArgument for a bad value or
// more than one; kUnsupported for an algorithm that S3 does not have.
[[nodiscard]] Result<std::optional<ClaimedChecksum>> parse_claimed_checksum(
    const http::Fields& fields);

// Every x-amz-checksum-ALGORITHM field as a stated value: CompleteMultipartUpload says with them
// what the whole object must have.
[[nodiscard]] Result<std::vector<object::StoredChecksum>> parse_stated_checksums(
    const http::Fields& fields);

// One value as text: base64, for a composite one followed by "-" and the number of parts. `what`
// names the field or element in the error. kInvalidArgument/InvalidRequest for anything else.
[[nodiscard]] Result<object::StoredChecksum> parse_checksum_value(
    digest::ChecksumAlgorithm algorithm, std::string_view text, std::string_view what);
[[nodiscard]] std::string checksum_text(const object::StoredChecksum& checksum);

// The value of x-amz-checksum-algorithm and the like. kInvalidArgument/InvalidRequest for what is
// not an algorithm.
[[nodiscard]] Result<digest::ChecksumAlgorithm> parse_checksum_algorithm(std::string_view text);

// The raw value of Content-MD5, if sent. kInvalidArgument/InvalidDigest.
[[nodiscard]] Result<std::optional<std::string>> parse_content_md5(const http::Fields& fields);

}  // namespace strata::s3
