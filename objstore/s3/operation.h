// Every operation of the S3 API, by name, with the request that means it and what it does here.
//
// The table is the router: a request is looked up in it and nowhere else. docs/s3-compatibility.md
// is compared with it by a test. Source: Amazon S3 API reference, "Actions", Amazon S3.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace strata::s3 {

// What is carried out. The operations that are known but not served share kNone.
enum class Operation : uint8_t {
  kNone,
  kUnsetConfiguration,  // answers S3's own error for a bucket that was never configured
  kListBuckets,
  kCreateBucket,
  kHeadBucket,
  kDeleteBucket,
  kGetBucketLocation,
  kGetBucketVersioning,
  kListObjects,
  kListObjectsV2,
  kListMultipartUploads,
  kPutObject,
  kCopyObject,
  kGetObject,
  kHeadObject,
  kDeleteObject,
  kDeleteObjects,
  kCreateMultipartUpload,
  kUploadPart,
  kListParts,
  kCompleteMultipartUpload,
  kAbortMultipartUpload,
};

enum class Level : uint8_t { kService, kBucket, kObject };

struct OperationInfo {
  std::string_view name;    // as AWS names it
  std::string_view method;  // "GET"
  Level level = Level::kService;
  std::string_view selector;        // a query name that must be present; empty: none
  std::string_view selector_value;  // and its value, where that matters
  std::string_view also;            // a second query name that must be present
  std::string_view header;          // a header that must be present
  Operation operation = Operation::kNone;
  std::string_view action;  // what access is asked for
  std::string_view unset;   // the error code of kUnsetConfiguration
};

// More specific rows come before less specific ones.
[[nodiscard]] std::span<const OperationInfo> operations() noexcept;

// Whether some operation is selected by this query name.
[[nodiscard]] bool is_selector(std::string_view query_name) noexcept;

}  // namespace strata::s3
