// Entities as the values of rows: JSON, so that a person can read what a drive holds.
//
// Rows are decoded at start only. kCorrupt for what was never encoded so: a directory that cannot
// be read whole is not served in part, because a lost denial would open something.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/iam/entities.h"

namespace strata::iam {

[[nodiscard]] std::string encode(const Account& account);
[[nodiscard]] std::string encode(const User& user);
[[nodiscard]] std::string encode(const UserGroup& group);
[[nodiscard]] std::string encode(const Role& role);
[[nodiscard]] std::string encode(const ManagedPolicy& policy);
[[nodiscard]] std::string encode(const Session& session);

[[nodiscard]] Status decode(std::string_view text, Account& into);
[[nodiscard]] Status decode(std::string_view text, User& into);
[[nodiscard]] Status decode(std::string_view text, UserGroup& into);
[[nodiscard]] Status decode(std::string_view text, Role& into);
[[nodiscard]] Status decode(std::string_view text, ManagedPolicy& into);
[[nodiscard]] Status decode(std::string_view text, Session& into);

// A document whose text has been checked; kInvalidArgument/kMalformedPolicy otherwise.
[[nodiscard]] Result<Document> read_document(std::string_view text, access::PolicyKind kind);

}  // namespace strata::iam
