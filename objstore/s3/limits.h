// The limits of the S3 wire, with S3's own values where it has one. What a second protocol would
// share is in objstore/object/types.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/bytes.h"

namespace strata::s3 {

inline constexpr size_t kQueryBytesMax = 16 * kKiB;
inline constexpr size_t kQueryParametersMax = 128;
inline constexpr size_t kHostBytesMax = 255;
inline constexpr size_t kRangeBytesMax = 256;  // a longer Range header is ignored, as a bad one is
inline constexpr size_t kCopySourceBytesMax = 4096;             // percent-encoded
inline constexpr size_t kConditionBytesMax = 4096;              // If-Match and If-None-Match
inline constexpr size_t kTaggingFieldBytesMax = 16 * kKiB;      // x-amz-tagging, 10 tags escaped
inline constexpr size_t kConfigurationXmlBytesMax = 64 * kKiB;  // one configuration document
inline constexpr size_t kDeleteXmlBytesMax = 2 * kMiB;          // 1,000 keys, escaped
inline constexpr size_t kCompleteXmlBytesMax = 4 * kMiB;        // 10,000 parts with checksums
inline constexpr size_t kPostFieldsBytesMax = 20 * kKiB;        // of a form, before its file
inline constexpr size_t kPostConditionsMax = 100;               // of a POST policy
inline constexpr size_t kPostPolicyDepthMax = 8;                // of its JSON
inline constexpr size_t kDeletesAtOnce = 32;         // keys of one DeleteObjects under way
inline constexpr uint64_t kListPageMax = 1000;       // keys, parts or uploads a page
inline constexpr uint64_t kBucketsPageMax = 10'000;  // max-buckets

// The region where a bucket has no location constraint and may be made again, as S3 has it.
inline constexpr std::string_view kClassicRegion = "us-east-1";

}  // namespace strata::s3
