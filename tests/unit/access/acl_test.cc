#include "objstore/access/acl.h"

#include <gtest/gtest.h>

#include "objstore/access/bucket_access.h"

namespace strata::access {
namespace {

const std::string kOwner(64, 'a');
const std::string kOther(64, 'b');

TEST(Acl, its_compact_text_comes_back_as_it_was) {
  for (const char* name : {"private", "public-read", "public-read-write", "authenticated-read",
                           "bucket-owner-read", "bucket-owner-full-control"}) {
    const auto acl = canned_acl(name, AclOf::kObject, kOwner, kOther);
    ASSERT_TRUE(acl) << name;
    const auto back = decode_acl(encode_acl(*acl));
    ASSERT_TRUE(back.ok()) << name;
    EXPECT_EQ(*back, *acl) << name;
  }
  const auto logs = canned_acl("log-delivery-write", AclOf::kBucket, kOwner, kOwner);
  ASSERT_TRUE(logs);
  EXPECT_EQ(*decode_acl(encode_acl(*logs)), *logs);
}

TEST(Acl, a_stored_text_that_is_none_is_corrupt) {
  for (const char* text : {"", "2 x", "1 x;READ", "1 x;REED id:y", "1 x;READ group:nobody"}) {
    const auto acl = decode_acl(text);
    ASSERT_FALSE(acl.ok()) << text;
    EXPECT_EQ(acl.error().code, Code::kCorrupt);
  }
}

TEST(Acl, some_canned_names_are_for_buckets_or_objects_only) {
  EXPECT_FALSE(canned_acl("log-delivery-write", AclOf::kObject, kOwner, kOwner));
  EXPECT_FALSE(canned_acl("public", AclOf::kBucket, kOwner, kOwner));
  EXPECT_TRUE(canned_acl("aws-exec-read", AclOf::kObject, kOwner, kOwner));
}

TEST(Acl, grant_headers_list_ids_and_groups) {
  const auto grantees = parse_grant_header(
      "id=\"" + kOwner +
      "\", uri=\"http://acs.amazonaws.com/groups/global/AllUsers\", id=" + kOther);
  ASSERT_TRUE(grantees.ok());
  ASSERT_EQ(grantees->size(), 3U);
  EXPECT_EQ((*grantees)[0].canonical_id, kOwner);
  EXPECT_EQ((*grantees)[1].group, Group::kAllUsers);
  EXPECT_EQ((*grantees)[2].canonical_id, kOther);
  for (const char* wrong : {"", "id", "id=x", "uri=x", "name=x", "emailAddress=a@b.c", "id=,"}) {
    EXPECT_FALSE(parse_grant_header(wrong).ok()) << wrong;
  }
}

TEST(Acl, full_control_includes_every_permission) {
  const Acl acl = private_acl(kOwner);
  EXPECT_TRUE(grants_to(acl, Permission::kWriteAcp, kOwner));
  EXPECT_FALSE(grants_to(acl, Permission::kRead, kOther));
  EXPECT_FALSE(grants_to(acl, Permission::kRead, ""));
  EXPECT_FALSE(is_public(acl));
}

TEST(BucketAccess, a_bucket_without_settings_is_closed) {
  const auto access = BucketAccess::parse("b", {});
  ASSERT_TRUE(access.ok());
  EXPECT_TRUE(access->is_plain());
  EXPECT_EQ(access->block, PublicAccessBlock{});
}

TEST(BucketAccess, what_was_deleted_no_longer_protects) {
  const std::string deleted(kDeleted);
  BucketDocuments documents;
  documents.ownership = &deleted;
  documents.public_access_block = &deleted;
  const auto access = BucketAccess::parse("b", documents);
  ASSERT_TRUE(access.ok());
  EXPECT_EQ(access->ownership, Ownership::kObjectWriter);
  EXPECT_FALSE(access->block.block_public_policy);
}

}  // namespace
}  // namespace strata::access
