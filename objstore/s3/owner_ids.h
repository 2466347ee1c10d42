// OwnerIds: the canonical user ids, and the names, of those who own what a listing tells of.
#pragma once

#include <string>
#include <string_view>

#include "common/codec/xml.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {

// Looks an account up once, as long as its neighbours have the same owner. Used by one task.
class OwnerIds {
 public:
  // The call outlives this.
  explicit OwnerIds(const Call& call) : call_(call) {}

  // Writes the element with ID and DisplayName. account: as the record has it; empty: the bucket's
  // owner. AWS left the name out in November 2025; programs from before read it.
  void write(codec::XmlWriter& xml, std::string_view element, const std::string& account) {
    const std::string& owner = account.empty() ? call_.rules.owner : account;
    if (id_.empty() || owner != account_) {
      account_ = owner;
      id_ = call_.service.directory.canonical_id(owner);
      name_ = call_.service.directory.name_of(owner);
    }
    xml.open(element).element("ID", id_);
    if (!name_.empty()) xml.element("DisplayName", name_);
    xml.close();
  }

 private:
  const Call& call_;
  std::string account_;
  std::string id_;
  std::string name_;
};

}  // namespace strata::s3
