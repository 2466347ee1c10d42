#include "objstore/access/caller.h"

#include "common/base/parse.h"

namespace strata::access {

const std::string* principal_tag(const Principal& who, std::string_view key) {
  for (const auto& [name, value] : who.tags) {
    if (ascii_iequals(name, key)) return &value;
  }
  return nullptr;
}

const std::shared_ptr<const Principal>& Caller::nobody() {
  static const auto kNobody = [] {
    auto principal = std::make_shared<Principal>();
    principal->canonical_id = std::string(kAnonymousCanonicalId);
    return std::shared_ptr<const Principal>(std::move(principal));
  }();
  return kNobody;
}

Caller Caller::root(std::string account, std::string canonical_id) {
  auto principal = std::make_shared<Principal>();
  principal->kind = CallerKind::kRoot;
  principal->arn = "arn:aws:iam::" + account + ":root";
  principal->user_id = account;
  principal->canonical_id = std::move(canonical_id);
  principal->account = std::move(account);
  return of(std::move(principal));
}

}  // namespace strata::access
