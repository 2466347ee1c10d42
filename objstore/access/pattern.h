// Pattern: a value of a policy that other values are compared with: '*', '?' and policy variables.
//
// Source: IAM user guide, "Policy elements: variables and tags". Thread rule: immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::access {

// What is known of a request under the names that conditions and variables use.
class Context {
 public:
  virtual ~Context() = default;
  // The values of a key, whose name is in lower case ("aws:sourceip"); nullopt when the request has
  // no such key. Called only for keys that a policy names.
  [[nodiscard]] virtual std::optional<std::vector<std::string>> find(
      std::string_view key) const = 0;
};

// A request of which nothing is known.
class EmptyContext final : public Context {
 public:
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view) const override {
    return std::nullopt;
  }
};

enum class Letters : uint8_t { kExact, kAnyCase };

class Pattern {
 public:
  // What a pattern may hold: wildcards in Resource and the ...Like operators, variables in policies
  // of version 2012-10-17.
  struct Syntax {
    bool wildcards = true;
    bool variables = true;
  };

  [[nodiscard]] static Pattern parse(std::string_view text, Syntax syntax);

  // False too when a variable has no value in this request. What a variable stands for is taken
  // literally: a '*' in a user's name is no wildcard.
  [[nodiscard]] bool matches(std::string_view value, const Context* context,
                             Letters letters = Letters::kExact) const;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  // Whether it stands for one value and no other.
  [[nodiscard]] bool is_fixed() const noexcept { return fixed_; }
  [[nodiscard]] bool matches_everything() const noexcept { return text_ == "*" && !fixed_; }
  // The value with variables replaced; nullopt when one has no value. For operators that compare
  // other things than text.
  [[nodiscard]] std::optional<std::string> expand(const Context* context) const;

 private:
  // A byte, kAnyRun, kAnyOne, or kVariable + the place in variables_.
  using Symbol = uint16_t;
  static constexpr Symbol kAnyRun = 256;
  static constexpr Symbol kAnyOne = 257;
  static constexpr Symbol kVariable = 512;
  struct Variable {
    std::string key;  // lower case
    std::optional<std::string> otherwise;
  };

  [[nodiscard]] static bool match(const std::vector<Symbol>& symbols, std::string_view value,
                                  Letters letters);
  [[nodiscard]] std::optional<std::vector<Symbol>> replace(const Context* context) const;
  [[nodiscard]] size_t add_variable(std::string_view text, size_t at);

  std::string text_;
  std::vector<Symbol> symbols_;
  std::vector<Variable> variables_;
  bool fixed_ = true;
};

// Whether '*' and '?' of `pattern` can be filled so that it becomes `value`.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view value,
                                Letters letters = Letters::kExact);

}  // namespace strata::access
