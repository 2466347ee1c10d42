// A request's context as a map.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "objstore/access/pattern.h"

namespace strata::access {

class MapContext final : public Context {
 public:
  using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

  MapContext() = default;
  explicit MapContext(Values values) : values_(std::move(values)) {}
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override {
    const auto found = values_.find(key);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }

 private:
  Values values_;
};

}  // namespace strata::access
