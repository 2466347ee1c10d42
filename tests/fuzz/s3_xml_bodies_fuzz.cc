// fuzz-deps: objstore_s3 objstore_iam objstore_access common_base
// The XML documents of requests: whatever comes, the bounds hold.
#include <cstddef>
#include <cstdint>

#include "objstore/s3/acl_fields.h"
#include "objstore/s3/xml_access.h"
#include "objstore/s3/xml_bodies.h"
#include "objstore/s3/xml_configurations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = s3::parse_delete(text);
  if (list.ok()) {
    CHECK(!list->entries.empty() && list->entries.size() <= object::kDeleteKeysMax);
    for (const s3::DeleteEntry& entry : list->entries) CHECK(!entry.key.empty());
  }
  const auto parts = s3::parse_complete(text);
  if (parts.ok()) {
    CHECK(!parts->empty() && parts->size() <= object::kPartNumberMax);
    for (const object::CompletePart& part : *parts) {
      CHECK(part.number >= 1 && part.number <= object::kPartNumberMax);
    }
  }
  (void)s3::parse_create_bucket(text).ok();
  (void)s3::parse_versioning(text).ok();
  (void)s3::parse_tagging(text).ok();
  const auto lock = s3::parse_object_lock(text);
  if (lock.ok() && lock->default_retention) {
    CHECK((lock->default_retention->days == 0) != (lock->default_retention->years == 0));
  }
  (void)s3::parse_retention(text).ok();
  (void)s3::parse_legal_hold(text).ok();
  const auto acl = s3::parse_acl(text);
  if (acl.ok()) {
    CHECK(acl->grants.size() <= access::kGrantsMax);
    // What is kept is read back as it was, whatever names were in it.
    bool plain = acl->owner_id.find(';') == std::string::npos;
    for (const access::Grant& grant : acl->grants) {
      plain = plain && grant.grantee.canonical_id.find(';') == std::string::npos;
    }
    const auto again = access::decode_acl(access::encode_acl(*acl));
    if (plain) CHECK(again.ok() && *again == *acl);
  }
  (void)s3::parse_public_access_block(text).ok();
  (void)s3::parse_ownership_controls(text).ok();
  return 0;
}
