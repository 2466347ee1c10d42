// The query string of a request, decoded once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace strata::s3 {

struct QueryParameter {
  std::string name;
  std::string value;
  bool has_value = false;  // whether there was a '='
};

class Query {
 public:
  // Percent escapes are decoded and '+' is a space, as signing does it. kInvalidArgument for a bad
  // escape, a name that comes twice (it would have two meanings) or a passed limit.
  [[nodiscard]] static Result<Query> parse(std::string_view raw);

  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  // The value, or null when the name is absent.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;  // "" if absent
  [[nodiscard]] const std::vector<QueryParameter>& all() const noexcept { return parameters_; }

 private:
  std::vector<QueryParameter> parameters_;
};

}  // namespace strata::s3
