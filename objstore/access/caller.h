// Caller: who is asking, once that has been established.
#pragma once

#include <string>

namespace strata::access {

enum class CallerKind {
  kAnonymous,  // sent no credentials
  kUser,       // a user of the account, with what was granted to it
  kRoot        // the account itself
};

struct Caller {
  CallerKind kind = CallerKind::kAnonymous;
  std::string account;  // twelve digits; empty for an anonymous caller
  std::string user;     // "root" for the account itself

  [[nodiscard]] static Caller anonymous() { return {}; }
  [[nodiscard]] static Caller root(std::string account) {
    return {CallerKind::kRoot, std::move(account), "root"};
  }
};

// The account that owns everything when no other was made.
inline constexpr const char* kRootAccount = "000000000001";

}  // namespace strata::access
