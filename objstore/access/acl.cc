#include "objstore/access/acl.h"

#include <algorithm>
#include <iterator>

#include "common/base/parse.h"
#include "objstore/access/policy_syntax.h"

namespace strata::access {

namespace {

struct PermissionName {
  Permission permission;
  std::string_view name;
};
constexpr PermissionName kPermissions[] = {
    {Permission::kRead, "READ"},
    {Permission::kWrite, "WRITE"},
    {Permission::kReadAcp, "READ_ACP"},
    {Permission::kWriteAcp, "WRITE_ACP"},
    {Permission::kFullControl, "FULL_CONTROL"},
};

struct GroupName {
  Group group;
  std::string_view uri;
  std::string_view name;  // in the compact text
};
constexpr GroupName kGroups[] = {
    {Group::kAllUsers, "http://acs.amazonaws.com/groups/global/AllUsers", "all"},
    {Group::kAuthenticatedUsers, "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
     "authenticated"},
    {Group::kLogDelivery, "http://acs.amazonaws.com/groups/s3/LogDelivery", "log"},
};

Grant to_group(Group group, Permission permission) {
  return {Grantee{{}, group}, permission};
}
Grant to_id(const std::string& id, Permission permission) {
  return {Grantee{id, std::nullopt}, permission};
}

bool includes(Permission granted, Permission wanted) {
  return granted == wanted || granted == Permission::kFullControl;
}

Error bad_header() {
  return {Code::kInvalidArgument, "Argument format not recognized"};
}

Result<Grantee> parse_grantee(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return bad_header();
  const std::string_view type = trim(text.substr(0, equals));
  std::string_view value = trim(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  if (ascii_iequals(type, "id")) {
    if (!is_canonical_id(value)) return Error(Code::kInvalidArgument, "Invalid id");
    return Grantee{ascii_lower(value), std::nullopt};
  }
  if (ascii_iequals(type, "uri")) {
    const auto group = parse_group_uri(value);
    if (!group) return Error(Code::kInvalidArgument, "Invalid group uri");
    return Grantee{{}, group};
  }
  if (ascii_iequals(type, "emailAddress")) {
    return Error(Code::kUnsupported,
                 "The e-mail address you provided does not match any account on record.");
  }
  return bad_header();
}

Result<Grant> decode_grant(std::string_view text) {
  const auto corrupt = [] { return Error(Code::kCorrupt, "a stored access control list"); };
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return corrupt();
  const auto permission = parse_permission(text.substr(0, space));
  if (!permission) return corrupt();
  std::string_view grantee = text.substr(space + 1);
  constexpr std::string_view kId = "id:";
  constexpr std::string_view kGroup = "group:";
  if (grantee.starts_with(kId)) {
    return Grant{Grantee{std::string(grantee.substr(kId.size())), std::nullopt}, *permission};
  }
  if (!grantee.starts_with(kGroup)) return corrupt();
  grantee.remove_prefix(kGroup.size());
  for (const GroupName& row : kGroups) {
    if (row.name == grantee) return to_group(row.group, *permission);
  }
  return corrupt();
}

}  // namespace

std::string_view permission_name(Permission permission) noexcept {
  for (const PermissionName& row : kPermissions) {
    if (row.permission == permission) return row.name;
  }
  return "";
}

std::optional<Permission> parse_permission(std::string_view name) noexcept {
  for (const PermissionName& row : kPermissions) {
    if (row.name == name) return row.permission;
  }
  return std::nullopt;
}

std::string_view group_uri(Group group) noexcept {
  for (const GroupName& row : kGroups) {
    if (row.group == group) return row.uri;
  }
  return "";
}

std::optional<Group> parse_group_uri(std::string_view uri) noexcept {
  for (const GroupName& row : kGroups) {
    if (row.uri == uri) return row.group;
  }
  return std::nullopt;
}

Acl private_acl(std::string owner_id) {
  Acl acl;
  acl.grants.push_back(to_id(owner_id, Permission::kFullControl));
  acl.owner_id = std::move(owner_id);
  return acl;
}

std::optional<Acl> canned_acl(std::string_view name, AclOf of, const std::string& owner_id,
                              const std::string& bucket_owner_id) {
  Acl acl = private_acl(owner_id);
  const bool object = of == AclOf::kObject;
  if (name == "private") return acl;
  if (name == "public-read") {
    acl.grants.push_back(to_group(Group::kAllUsers, Permission::kRead));
  } else if (name == "public-read-write") {
    acl.grants.push_back(to_group(Group::kAllUsers, Permission::kRead));
    acl.grants.push_back(to_group(Group::kAllUsers, Permission::kWrite));
  } else if (name == "authenticated-read") {
    acl.grants.push_back(to_group(Group::kAuthenticatedUsers, Permission::kRead));
  } else if (name == "log-delivery-write" && !object) {
    acl.grants.push_back(to_group(Group::kLogDelivery, Permission::kWrite));
    acl.grants.push_back(to_group(Group::kLogDelivery, Permission::kReadAcp));
  } else if (name == "bucket-owner-read" && object) {
    if (owner_id != bucket_owner_id) {
      acl.grants.push_back(to_id(bucket_owner_id, Permission::kRead));
    }
  } else if (name == "bucket-owner-full-control" && object) {
    if (owner_id != bucket_owner_id) {
      acl.grants.push_back(to_id(bucket_owner_id, Permission::kFullControl));
    }
  } else if ((name == "bucket-owner-read" || name == "bucket-owner-full-control") && !object) {
    return acl;  // S3 takes the names for a bucket, where they say nothing
  } else if (name != "aws-exec-read") {
    return std::nullopt;
  }
  return acl;
}

Result<std::vector<Grantee>> parse_grant_header(std::string_view value) {
  std::vector<Grantee> out;
  while (true) {
    const size_t comma = value.find(',');
    TRY_ASSIGN(Grantee grantee, parse_grantee(trim(value.substr(0, comma))));
    if (out.size() == kGrantsMax) {
      return Error(Code::kInvalidArgument, "An access control list has at most 100 grants");
    }
    out.push_back(std::move(grantee));
    if (comma == std::string_view::npos) return out;
    value.remove_prefix(comma + 1);
  }
}

bool is_public(const Acl& acl) noexcept {
  return std::any_of(acl.grants.begin(), acl.grants.end(), [](const Grant& grant) {
    return grant.grantee.group == Group::kAllUsers ||
           grant.grantee.group == Group::kAuthenticatedUsers;
  });
}

bool grants_to_everyone(const Acl& acl, Permission wanted, bool signed_in) noexcept {
  return std::any_of(acl.grants.begin(), acl.grants.end(), [&](const Grant& grant) {
    if (!includes(grant.permission, wanted)) return false;
    return grant.grantee.group == Group::kAllUsers ||
           (signed_in && grant.grantee.group == Group::kAuthenticatedUsers);
  });
}

bool grants_to(const Acl& acl, Permission wanted, std::string_view canonical_id) noexcept {
  if (canonical_id.empty()) return false;
  return std::any_of(acl.grants.begin(), acl.grants.end(), [&](const Grant& grant) {
    return includes(grant.permission, wanted) && grant.grantee.canonical_id == canonical_id;
  });
}

std::string encode_acl(const Acl& acl) {
  std::string text = "1 " + acl.owner_id;
  for (const Grant& grant : acl.grants) {
    text += ';';
    text += permission_name(grant.permission);
    if (!grant.grantee.group) {
      text += " id:" + grant.grantee.canonical_id;
      continue;
    }
    for (const GroupName& row : kGroups) {
      if (row.group == *grant.grantee.group) text += " group:" + std::string(row.name);
    }
  }
  return text;
}

Result<Acl> decode_acl(std::string_view text) {
  constexpr std::string_view kVersion = "1 ";
  if (!text.starts_with(kVersion)) {
    return Error(Code::kCorrupt, "a stored access control list of an unknown version");
  }
  text.remove_prefix(kVersion.size());
  Acl acl;
  size_t semicolon = text.find(';');
  acl.owner_id = std::string(text.substr(0, semicolon));
  while (semicolon != std::string_view::npos) {
    text.remove_prefix(semicolon + 1);
    semicolon = text.find(';');
    if (acl.grants.size() == kGrantsMax) {
      return Error(Code::kCorrupt, "a stored access control list with too many grants");
    }
    TRY_ASSIGN(Grant grant, decode_grant(text.substr(0, semicolon)));
    acl.grants.push_back(std::move(grant));
  }
  return acl;
}

}  // namespace strata::access
