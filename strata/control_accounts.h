// What the routes of access have in common: accounts by name.
#pragma once

#include <string>

#include "common/base/result.h"
#include "objstore/iam/directory.h"

namespace strata::roof {

// The number of an account: "-" is the server's own, else a name or a number. kNotFound.
[[nodiscard]] Result<std::string> account_id(const iam::Directory& directory,
                                             const std::string& name);

}  // namespace strata::roof
