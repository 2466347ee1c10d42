// Every operation of the query API by name: what runs it, and what it is done to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "objstore/iam/operations.h"
#include "objstore/iam/query_api.h"

namespace strata::iam {

// Which parameter names what the operation is done to.
enum class Target : uint8_t { kAccount, kUser, kUserOrCaller, kGroup, kRole, kPolicy, kRoleArn };

struct QueryOperation {
  std::string_view name;
  QueryService service = QueryService::kIam;
  bool changes = false;
  bool has_result = true;
  Target target = Target::kAccount;
  bool for_everybody = false;  // its own rules decide (or none do): no identity policy is asked
  OperationFunction run = nullptr;
};

[[nodiscard]] std::span<const QueryOperation> query_operations() noexcept;
// Null for what is not served.
[[nodiscard]] const QueryOperation* find_operation(std::string_view name, QueryService service);

// The ARN that policies have to allow; "*" where nothing in particular is meant.
[[nodiscard]] std::string resource_of(const QueryOperation& operation, const access::Caller& caller,
                                      const Parameters& parameters, const State& state);

// Its tags, for policies to ask about; null: nothing that has tags.
[[nodiscard]] const Tags* tags_of_resource(const QueryOperation& operation,
                                           const access::Caller& caller,
                                           const Parameters& parameters, const State& state);

}  // namespace strata::iam
