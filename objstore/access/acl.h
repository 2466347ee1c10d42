// Acl: an access control list, S3's older way to grant something to accounts and groups.
//
// Source: Amazon S3 user guide, "Access control list (ACL) overview". Thread rule: plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace strata::access {

inline constexpr size_t kGrantsMax = 100;

enum class Group : uint8_t { kAllUsers, kAuthenticatedUsers, kLogDelivery };

struct Grantee {
  std::string canonical_id;    // of an account; empty: a group
  std::optional<Group> group;  // present where canonical_id is empty
  friend bool operator==(const Grantee&, const Grantee&) = default;
};

enum class Permission : uint8_t { kRead, kWrite, kReadAcp, kWriteAcp, kFullControl };

struct Grant {
  Grantee grantee;
  Permission permission = Permission::kRead;
  friend bool operator==(const Grant&, const Grant&) = default;
};

struct Acl {
  std::string owner_id;  // canonical
  std::vector<Grant> grants;
  friend bool operator==(const Acl&, const Acl&) = default;
};

// "READ_ACP" and back.
[[nodiscard]] std::string_view permission_name(Permission permission) noexcept;
[[nodiscard]] std::optional<Permission> parse_permission(std::string_view name) noexcept;
// "http://acs.amazonaws.com/groups/global/AllUsers" and back.
[[nodiscard]] std::string_view group_uri(Group group) noexcept;
[[nodiscard]] std::optional<Group> parse_group_uri(std::string_view uri) noexcept;

// The owner alone, with full control.
[[nodiscard]] Acl private_acl(std::string owner_id);

// What x-amz-acl may say of a bucket or of an object in a bucket of `bucket_owner_id`.
enum class AclOf : uint8_t { kBucket, kObject };
// nullopt for a name that is none there.
[[nodiscard]] std::optional<Acl> canned_acl(std::string_view name, AclOf of,
                                            const std::string& owner_id,
                                            const std::string& bucket_owner_id);

// The grantees of x-amz-grant-read and its like: `id="...", uri="..."`. kInvalidArgument for what
// is no such list; an emailAddress is refused, because no account here has one.
[[nodiscard]] Result<std::vector<Grantee>> parse_grant_header(std::string_view value);

// Whether it grants anything to AllUsers or AuthenticatedUsers.
[[nodiscard]] bool is_public(const Acl& acl) noexcept;
// Whether the permission is granted to everyone (`signed_in`: to whoever sent a valid signature).
[[nodiscard]] bool grants_to_everyone(const Acl& acl, Permission wanted, bool signed_in) noexcept;
// Whether it is granted to the account of this canonical id by name.
[[nodiscard]] bool grants_to(const Acl& acl, Permission wanted,
                             std::string_view canonical_id) noexcept;

// The compact text that is kept with buckets and objects:
//   acl   := "1 " owner *( ";" permission " " ( "id:" canonical | "group:" name ) )
[[nodiscard]] std::string encode_acl(const Acl& acl);
[[nodiscard]] Result<Acl> decode_acl(std::string_view text);

}  // namespace strata::access
