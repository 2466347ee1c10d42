// OwnerIds: the canonical user ids of those who own what a listing tells of.
#pragma once

#include <string>

#include "objstore/s3/operations.h"

namespace strata::s3 {

// Looks an account up once, as long as its neighbours have the same owner. Used by one task.
class OwnerIds {
 public:
  // The call outlives this.
  explicit OwnerIds(const Call& call) : call_(call) {}

  // account: as the record has it; empty: the bucket's owner.
  [[nodiscard]] const std::string& of_object(const std::string& account) {
    const std::string& owner = account.empty() ? call_.rules.owner : account;
    if (id_.empty() || owner != account_) {
      account_ = owner;
      id_ = call_.service.directory.canonical_id(owner);
    }
    return id_;
  }

 private:
  const Call& call_;
  std::string account_;
  std::string id_;
};

}  // namespace strata::s3
