// Every operation of the S3 API, by name, with the request that means it and what it does here.
//
// The table is the router: a request is looked up in it and nowhere else. docs/s3-compatibility.md
// is compared with it by a test. Source: Amazon S3 API reference, "Actions", Amazon S3.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/async/task.h"
#include "common/base/result.h"

namespace strata::s3 {

struct Call;
struct Answer;
// See operations.h.
using Handler = async::Task<Result<Answer>> (*)(const Call& call);

enum class Level : uint8_t { kService, kBucket, kObject };

struct OperationInfo {
  std::string_view name;    // as AWS names it
  std::string_view method;  // "GET"
  Level level = Level::kService;
  std::string_view selector;        // a query name that must be present; empty: none
  std::string_view selector_value;  // and its value, where that matters
  std::string_view also;            // a second query name that must be present
  std::string_view header;          // a header that must be present
  Handler handler = nullptr;        // null: known and refused as not implemented
  std::string_view action;          // what access is asked for
  std::string_view unset;           // the error code where it was never configured
};

// More specific rows come before less specific ones.
[[nodiscard]] std::span<const OperationInfo> operations() noexcept;

// Whether some operation is selected by this query name.
[[nodiscard]] bool is_selector(std::string_view query_name) noexcept;

}  // namespace strata::s3
