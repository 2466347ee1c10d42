// Access control lists on the wire: x-amz-acl and x-amz-grant-*, and the XML document.
//
// Source: Amazon S3 API reference, "PutBucketAcl", "PutObjectAcl"; user guide, "Access control list
// (ACL) overview", "Controlling ownership of objects".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/access/acl.h"
#include "objstore/iam/directory.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {

// Whose list it is.
struct AclTarget {
  access::AclOf of = access::AclOf::kObject;
  std::string owner_id;         // canonical, of the bucket or object itself
  std::string bucket_owner_id;  // canonical
};

// Whether the fields ask for a list at all.
[[nodiscard]] bool speaks_of_acl(const http::Fields& fields) noexcept;

// What the fields ask for; nullopt: they do not speak of it. InvalidRequest for a canned list and
// grants at once, InvalidArgument for an unknown name or id.
[[nodiscard]] Result<std::optional<access::Acl>> acl_of_fields(const http::Fields& fields,
                                                               const AclTarget& target,
                                                               const iam::Directory& directory);

// An AccessControlPolicy. MalformedACLError for what the schema does not have.
[[nodiscard]] Result<access::Acl> parse_acl(std::string_view xml);
// InvalidArgument for an id nobody has, AccessDenied for another owner than `owner_id`.
[[nodiscard]] Status check_acl(const access::Acl& acl, std::string_view owner_id,
                               const iam::Directory& directory);
[[nodiscard]] std::string acl_document(const access::Acl& acl, const iam::Directory& directory);

// Whether it says no more than that this one account has full control.
[[nodiscard]] bool is_full_control_of(const access::Acl& acl, std::string_view id) noexcept;

[[nodiscard]] Error acls_not_supported();

}  // namespace strata::s3
