// Caller: who is asking, once that has been established.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "objstore/access/principal.h"

namespace strata::access {

// Cheap to copy.
struct Caller {
  CallerKind kind = CallerKind::kAnonymous;
  std::string account;  // twelve digits; empty for an anonymous caller
  std::shared_ptr<const Principal> principal = nobody();

  [[nodiscard]] static Caller anonymous() { return {}; }
  [[nodiscard]] static Caller of(std::shared_ptr<const Principal> who) {
    Caller caller;
    caller.kind = who->kind;
    caller.account = who->account;
    caller.principal = std::move(who);
    return caller;
  }
  // An account itself, which nothing needs to be granted to.
  [[nodiscard]] static Caller root(std::string account, std::string canonical_id = {});

  [[nodiscard]] bool is_anonymous() const noexcept { return kind == CallerKind::kAnonymous; }

 private:
  [[nodiscard]] static const std::shared_ptr<const Principal>& nobody();
};

// The account that owns everything when no other was made.
inline constexpr const char* kRootAccount = "000000000001";

}  // namespace strata::access
