// The header fields of a request as the object room's plain data, and the refusal of what they ask
// for and do not get here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/http/message.h"
#include "objstore/object/types.h"
#include "objstore/s3/operation.h"
#include "objstore/s3/query.h"

namespace strata::s3 {

// kUnsupported/NotImplemented for every x-amz-* field that asks for something this server does not
// do, known or not: nothing that was asked for is ignored. AccessDenied when
// x-amz-expected-bucket-owner names another account than `owner`; empty: there is no bucket yet.
[[nodiscard]] Status check_supported(const http::Fields& fields, const OperationInfo& operation,
                                     std::string_view owner);

// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since of a read. Dates that do not
// parse count as absent (RFC 9110 section 13.1.3).
[[nodiscard]] Result<object::Conditions> read_conditions(const http::Fields& fields);
// Of a removal: If-Match, x-amz-if-match-last-modified-time, x-amz-if-match-size.
[[nodiscard]] Result<object::Conditions> removal_conditions(const http::Fields& fields);
// Of a write: If-Match with an ETag and If-None-Match with "*", as S3 has them; others are
// NotImplemented.
[[nodiscard]] Result<object::Conditions> write_conditions(const http::Fields& fields);
// A time as a condition states it, in a header or in XML.
[[nodiscard]] Result<object::WallTime> parse_condition_time(std::string_view text);
// x-amz-copy-source-if-*.
[[nodiscard]] Result<object::Conditions> copy_source_conditions(const http::Fields& fields);

// One range in bytes. nullopt for no field, a field that is not well-formed and several ranges: S3
// then answers with the whole object.
[[nodiscard]] std::optional<object::ByteRange> parse_range(std::string_view field) noexcept;

// An entity tag in quotes, or a date. A weak tag, and what is neither, never matches.
[[nodiscard]] object::IfRange parse_if_range(std::string_view field);

// What is kept with an object. InvalidStorageClass for a class that S3 does not have.
[[nodiscard]] Result<object::Attributes> parse_attributes(const http::Fields& fields);

// Content-Encoding without aws-chunked, which is about the transfer, not the object.
[[nodiscard]] std::string strip_aws_chunked(std::string_view content_encoding);

// partNumber, 1 to 10,000. kInvalidArgument for anything else.
[[nodiscard]] Result<uint32_t> part_number_parameter(const Query& query);

// A number from the query between 0 and INT_MAX, clamped to `highest`; `otherwise` if absent.
// kInvalidArgument for anything else, an empty value included.
[[nodiscard]] Result<uint64_t> number_parameter(const Query& query, std::string_view name,
                                                uint64_t otherwise, uint64_t highest);

}  // namespace strata::s3
