#include "objstore/s3/acl_fields.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/parse.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

using access::Permission;
using codec::XmlElement;

struct GrantField {
  std::string_view name;
  Permission permission;
};
constexpr GrantField kGrantFields[] = {
    {"x-amz-grant-read", Permission::kRead},
    {"x-amz-grant-write", Permission::kWrite},
    {"x-amz-grant-read-acp", Permission::kReadAcp},
    {"x-amz-grant-write-acp", Permission::kWriteAcp},
    {"x-amz-grant-full-control", Permission::kFullControl},
};

Error malformed_acl() {
  return {Code::kInvalidArgument, code::kMalformedAcl,
          "The XML you provided was not well-formed or did not validate against our published "
          "schema"};
}

Error unresolvable() {
  return {Code::kInvalidArgument, code::kUnresolvableGrant,
          "The email address you provided does not match any account on record."};
}

// Somebody whom this server knows.
Status check_grantee(const access::Grantee& grantee, const iam::Directory& directory) {
  if (grantee.group || !directory.account_of(grantee.canonical_id).empty()) return {};
  return Error(Code::kInvalidArgument, code::kInvalidArgument, "Invalid id");
}

Result<std::vector<access::Grantee>> grantees_of(std::string_view field) {
  Result<std::vector<access::Grantee>> grantees = access::parse_grant_header(field);
  if (grantees.ok()) return grantees;
  if (grantees.error().code == Code::kUnsupported) return unresolvable();
  return Error(Code::kInvalidArgument, code::kInvalidArgument, grantees.error().message);
}

Result<access::Grantee> parse_grantee(const XmlElement& element) {
  std::optional<std::string> id;
  std::optional<std::string> uri;
  for (const XmlElement& child : element.children) {
    if (child.name == "ID") {
      TRY(take_once(child, id));
    } else if (child.name == "URI") {
      TRY(take_once(child, uri));
    } else if (child.name == "EmailAddress") {
      return unresolvable();
    } else if (child.name != "DisplayName" && child.name != "Type") {
      return malformed_acl();
    }
  }
  if (id.has_value() == uri.has_value()) return malformed_acl();
  if (id) return access::Grantee{ascii_lower(trim(*id)), std::nullopt};
  const auto group = access::parse_group_uri(trim(*uri));
  if (!group) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument, "Invalid group uri");
  }
  return access::Grantee{{}, group};
}

Result<access::Grant> parse_grant(const XmlElement& element) {
  const XmlElement* const grantee = element.child("Grantee");
  if (element.name != "Grant" || grantee == nullptr || element.children.size() != 2) {
    return malformed_acl();
  }
  const auto permission = access::parse_permission(trim(element.child_text("Permission")));
  if (!permission) return malformed_acl();
  TRY_ASSIGN(access::Grantee who, parse_grantee(*grantee));
  return access::Grant{std::move(who), *permission};
}

// See OwnerIds of the names.
void write_account(codec::XmlWriter& xml, const std::string& canonical_id,
                   const iam::Directory& directory) {
  xml.element("ID", canonical_id);
  const std::string name = directory.name_of(directory.account_of(canonical_id));
  if (!name.empty()) xml.element("DisplayName", name);
}

}  // namespace

Error acls_not_supported() {
  return {Code::kInvalidArgument, code::kAclNotSupported, "The bucket does not allow ACLs"};
}

bool is_full_control_of(const access::Acl& acl, std::string_view id) noexcept {
  return acl.grants.size() == 1 && acl.grants[0].grantee.canonical_id == id &&
         acl.grants[0].permission == Permission::kFullControl;
}

bool speaks_of_acl(const http::Fields& fields) noexcept {
  if (fields.find("x-amz-acl") != nullptr) return true;
  return std::any_of(std::begin(kGrantFields), std::end(kGrantFields),
                     [&](const GrantField& row) { return fields.find(row.name) != nullptr; });
}

Result<std::optional<access::Acl>> acl_of_fields(const http::Fields& fields,
                                                 const AclTarget& target,
                                                 const iam::Directory& directory) {
  const std::string* canned = fields.find("x-amz-acl");
  std::optional<access::Acl> granted;
  for (const GrantField& row : kGrantFields) {
    const std::string* field = fields.find(row.name);
    if (field == nullptr) continue;
    if (!granted) granted.emplace().owner_id = target.owner_id;
    TRY_ASSIGN(std::vector<access::Grantee> grantees, grantees_of(*field));
    for (access::Grantee& grantee : grantees) {
      TRY(check_grantee(grantee, directory));
      granted->grants.push_back({std::move(grantee), row.permission});
    }
  }
  if (granted && granted->grants.size() > access::kGrantsMax) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "An access control list has at most 100 grants");
  }
  if (canned == nullptr) return granted;
  if (granted) {
    return Error(Code::kInvalidArgument, code::kInvalidRequest,
                 "Specifying both Canned ACLs and Header Grants is not allowed");
  }
  std::optional<access::Acl> acl =
      access::canned_acl(*canned, target.of, target.owner_id, target.bucket_owner_id);
  if (!acl) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "The canned access control list is not one that S3 has for this.");
  }
  return acl;
}

Result<access::Acl> parse_acl(std::string_view xml) {
  // A grant has at most six elements.
  const Result<XmlElement> root =
      parse_root(xml, "AccessControlPolicy", kConfigurationXmlBytesMax, access::kGrantsMax * 8);
  if (!root.ok()) return malformed_acl();
  const XmlElement* const owner = root->child("Owner");
  const XmlElement* const list = root->child("AccessControlList");
  if (owner == nullptr || list == nullptr || root->children.size() != 2) return malformed_acl();
  access::Acl acl;
  acl.owner_id = ascii_lower(trim(owner->child_text("ID")));
  if (acl.owner_id.empty() || list->children.size() > access::kGrantsMax) return malformed_acl();
  acl.grants.reserve(list->children.size());
  for (const XmlElement& element : list->children) {
    TRY_ASSIGN(access::Grant grant, parse_grant(element));
    acl.grants.push_back(std::move(grant));
  }
  return acl;
}

Status check_acl(const access::Acl& acl, std::string_view owner_id,
                 const iam::Directory& directory) {
  if (acl.owner_id != owner_id) {
    return Error(Code::kPermissionDenied, code::kAccessDenied, "Access Denied");
  }
  for (const access::Grant& grant : acl.grants) TRY(check_grantee(grant.grantee, directory));
  return {};
}

std::string acl_document(const access::Acl& acl, const iam::Directory& directory) {
  codec::XmlWriter xml = s3_document("AccessControlPolicy");
  xml.open("Owner");
  write_account(xml, acl.owner_id, directory);
  xml.close();
  xml.open("AccessControlList");
  for (const access::Grant& grant : acl.grants) {
    xml.open("Grant").open("Grantee");
    xml.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
    if (grant.grantee.group) {
      xml.attribute("xsi:type", "Group").element("URI", access::group_uri(*grant.grantee.group));
    } else {
      xml.attribute("xsi:type", "CanonicalUser");
      write_account(xml, grant.grantee.canonical_id, directory);
    }
    xml.close().element("Permission", access::permission_name(grant.permission)).close();
  }
  return xml.finish();
}

}  // namespace strata::s3
