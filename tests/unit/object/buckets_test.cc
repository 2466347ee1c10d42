#include <gtest/gtest.h>

#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

class BucketTests : public testing::ObjectFixture {};

TEST_F(BucketTests, are_listed_by_name_with_what_they_were_created_with) {
  clock.now += std::chrono::seconds(5);
  ASSERT_TRUE(run(objects.create_bucket({.name = "another", .region = "eu-west-1"})).ok());
  const std::vector<BucketInfo> buckets = run(objects.list_buckets()).value();
  ASSERT_EQ(buckets.size(), 2u);
  EXPECT_EQ(buckets[0].name, "another");
  EXPECT_EQ(buckets[0].region, "eu-west-1");
  EXPECT_EQ(buckets[0].created, clock.now);
  EXPECT_EQ(buckets[1].name, "bucket");
  EXPECT_EQ(run(objects.bucket("another")).value().region, "eu-west-1");
}

TEST_F(BucketTests, are_created_once) {
  EXPECT_FAILS(run(objects.create_bucket({.name = "bucket", .region = "x"})), Code::kAlreadyExists,
               reason::kBucketExists);
  EXPECT_FAILS(run(objects.create_bucket({.name = "Bad", .region = "x"})), Code::kInvalidArgument,
               reason::kInvalidBucketName);
}

TEST_F(BucketTests, are_known_to_a_store_opened_again) {
  ASSERT_TRUE(put("k", "v").ok());
  ObjectStore again(store, clock, random);
  EXPECT_EQ(run(again.bucket("bucket")).value().region, "us-east-1");
  EXPECT_FAILS(run(again.create_bucket({.name = "bucket", .region = "x"})), Code::kAlreadyExists,
               reason::kBucketExists);
}

TEST_F(BucketTests, keep_their_settings_in_memory_and_in_the_store) {
  const auto set = [&](std::optional<std::string> document) {
    return run(objects.set_bucket_setting("bucket", BucketSetting::kTagging, std::move(document)));
  };
  ASSERT_TRUE(set("first").ok());
  const BucketInfo before = run(objects.bucket("bucket")).value();
  ASSERT_TRUE(set("second").ok());
  EXPECT_EQ(*before.settings->find(BucketSetting::kTagging), "first")
      << "what was handed out stays";
  EXPECT_EQ(*run(objects.bucket("bucket")).value().settings->find(BucketSetting::kTagging),
            "second");
  ObjectStore again(store, clock, random);
  EXPECT_EQ(*run(again.bucket("bucket")).value().settings->find(BucketSetting::kTagging), "second");
  EXPECT_EQ(run(again.bucket("bucket")).value().settings->find(BucketSetting::kPolicy), nullptr);
  ASSERT_TRUE(set(std::nullopt).ok());
  EXPECT_EQ(run(objects.bucket("bucket")).value().settings->count(), 0u);
  EXPECT_EQ(run(objects.bucket("bucket")).value().region, "us-east-1");
}

TEST_F(BucketTests, change_a_setting_only_if_the_check_agrees_and_it_fits) {
  const BucketCheck refuse = [](const BucketInfo& info) {
    return Status(Error(Code::kConflict, info.name));
  };
  EXPECT_FAILS(run(objects.set_bucket_setting("bucket", BucketSetting::kCors, "x", refuse)),
               Code::kConflict, "");
  EXPECT_FAILS(run(objects.set_bucket_setting("bucket", BucketSetting::kCors,
                                              std::string(kBucketSettingBytesMax + 1, 'x'))),
               Code::kTooLarge, "");
  EXPECT_FAILS(run(objects.set_bucket_setting("none-such", BucketSetting::kCors, "x")),
               Code::kNotFound, reason::kNoSuchBucket);
  EXPECT_EQ(run(objects.bucket("bucket")).value().settings->count(), 0u);
}

TEST_F(BucketTests, of_another_owner_are_taken) {
  CreateBucketRequest theirs;
  theirs.name = "bucket";
  theirs.owner = "000000000002";
  EXPECT_FAILS(run(objects.create_bucket(theirs)), Code::kAlreadyExists, reason::kBucketOfAnother);
  theirs.name = "theirs";
  ASSERT_TRUE(run(objects.create_bucket(theirs)).ok());
  ObjectStore again(store, clock, random);
  EXPECT_EQ(run(again.bucket("theirs")).value().owner, "000000000002");
}

TEST_F(BucketTests, are_deleted_only_when_empty) {
  ASSERT_TRUE(put("k", "v").ok());
  EXPECT_FAILS(run(objects.delete_bucket("bucket")), Code::kConflict, reason::kBucketNotEmpty);
  ASSERT_TRUE(run(objects.remove("bucket", "k", {})).ok());
  const UploadInfo upload = begin("k").value();
  EXPECT_FAILS(run(objects.delete_bucket("bucket")), Code::kConflict, reason::kBucketNotEmpty);
  ASSERT_TRUE(run(objects.abort_upload("bucket", "k", upload.upload_id)).ok());
  EXPECT_TRUE(run(objects.delete_bucket("bucket")).ok());
  EXPECT_FAILS(run(objects.bucket("bucket")), Code::kNotFound, reason::kNoSuchBucket);
  EXPECT_FAILS(run(objects.delete_bucket("bucket")), Code::kNotFound, reason::kNoSuchBucket);
  EXPECT_FAILS(put("k", "v"), Code::kNotFound, reason::kNoSuchBucket);
  EXPECT_EQ(store.rows(), 0u);
}

TEST_F(BucketTests, a_longer_name_does_not_make_a_bucket_full) {
  ASSERT_TRUE(run(objects.create_bucket({.name = "bucket-2", .region = "x"})).ok());
  PutRequest request;
  request.bucket = "bucket-2";
  request.key = "k";
  ASSERT_TRUE(put(request, "v").ok());
  EXPECT_TRUE(run(objects.delete_bucket("bucket")).ok());
}

TEST_F(BucketTests, have_a_greatest_number) {
  for (size_t i = 1; i < kBucketsMax; ++i) {
    ASSERT_TRUE(
        run(objects.create_bucket({.name = "many-" + std::to_string(i), .region = "x"})).ok());
  }
  EXPECT_FAILS(run(objects.create_bucket({.name = "one-too-many", .region = "x"})), Code::kTooLarge,
               reason::kTooManyBuckets);
  ASSERT_TRUE(run(objects.delete_bucket("many-1")).ok());
  EXPECT_TRUE(run(objects.create_bucket({.name = "one-too-many", .region = "x"})).ok());
  EXPECT_EQ(run(objects.list_buckets()).value().size(), kBucketsMax);
}

TEST_F(BucketTests, whose_deletion_failed_are_still_there) {
  store.fail = [](testing::StoreCall call) -> std::optional<Error> {
    if (call == testing::StoreCall::kCommit) return Error(Code::kIo, "no quorum");
    return std::nullopt;
  };
  EXPECT_FAILS(run(objects.delete_bucket("bucket")), Code::kIo, "");
  EXPECT_FAILS(run(objects.create_bucket({.name = "other", .region = "x"})), Code::kIo, "");
  store.fail = nullptr;
  EXPECT_TRUE(run(objects.bucket("bucket")).ok());
  EXPECT_FAILS(run(objects.bucket("other")), Code::kNotFound, reason::kNoSuchBucket);
}

}  // namespace
}  // namespace strata::object
