// The forms of the names in a policy: accounts, principals, actions, resources.
//
// Source: IAM user guide, "IAM identifiers". Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strata::access {

[[nodiscard]] bool is_account_id(std::string_view text) noexcept;    // twelve digits
[[nodiscard]] bool is_canonical_id(std::string_view text) noexcept;  // 64 hex digits

// "arn:aws:iam::ID:root", "arn:aws:iam::ID:user/PATH/NAME", ".../role/...",
// "arn:aws:sts::ID:assumed-role/ROLE/SESSION", "arn:aws:sts::ID:federated-user/NAME".
struct PrincipalArn {
  std::string account;
  bool root = false;
};
[[nodiscard]] std::optional<PrincipalArn> parse_principal_arn(std::string_view text);

// "*" or "service:Name", with wildcards.
[[nodiscard]] bool is_action_pattern(std::string_view text) noexcept;
// "*" or "arn:partition:service:region:account:rest", with wildcards.
[[nodiscard]] bool is_resource_pattern(std::string_view text) noexcept;
// IAM's statement ids: letters and digits.
[[nodiscard]] bool is_plain_sid(std::string_view text) noexcept;

// How deep the brackets of a JSON text nest, counted without building it.
[[nodiscard]] int json_depth(std::string_view text) noexcept;
// Without JSON's white space at both ends.
[[nodiscard]] std::string_view trim_json(std::string_view text) noexcept;

}  // namespace strata::access
