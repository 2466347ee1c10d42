// What protects a version, and until when.
#include "objstore/object/object_lock.h"

#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

constexpr auto kHour = std::chrono::hours(1);

class ObjectLock : public testing::ObjectFixture {
 protected:
  ObjectLock() {
    EXPECT_TRUE(run(objects.set_versioning("bucket", Versioning::kEnabled)).ok());
    EXPECT_TRUE(run(objects.set_object_lock("bucket", {})).ok());
  }
  std::string put_with(Extras extras) {
    PutRequest request;
    request.bucket = "bucket";
    request.key = "k";
    request.extras = std::move(extras);
    return put(std::move(request), "x").value().version_id;
  }
  Status end(std::string id, bool bypass = false) {
    RemoveRequest request;
    request.bucket = "bucket";
    request.key = "k";
    request.version_id = std::move(id);
    request.bypass_governance = bypass;
    TRY(run(objects.remove(std::move(request))));
    return {};
  }
  Extras until(RetentionMode mode, Duration duration) {
    Extras extras;
    extras.retention = Retention{
        mode, clock.now + std::chrono::duration_cast<std::chrono::milliseconds>(duration)};
    return extras;
  }
};

TEST(LockDocument, comes_back_as_it_was_and_is_refused_in_every_other_form) {
  BucketInfo bucket;
  const auto with = [&](std::optional<std::string> document) {
    auto settings = std::make_shared<BucketSettings>();
    settings->set(BucketSetting::kObjectLock, std::move(document));
    bucket.settings = std::move(settings);
    return lock_of(bucket);
  };
  EXPECT_FALSE(with({})->has_value());
  EXPECT_FALSE((*with(lock_document({})))->default_retention);
  const DefaultRetention year{RetentionMode::kCompliance, 0, 3};
  EXPECT_EQ((*with(lock_document({year})))->default_retention, year);
  const DefaultRetention day{RetentionMode::kGovernance, 9, 0};
  EXPECT_EQ((*with(lock_document({day})))->default_retention, day);
  for (const char* bad : {"", "x", "governance", "governance 1", "governance 0 days",
                          "governance 1 days x", "governance 101 years", "other 1 days"}) {
    EXPECT_FALSE(with(bad).ok()) << bad;
  }
}

TEST_F(ObjectLock, a_retained_version_stays_until_its_time_and_can_be_hidden) {
  const std::string id = put_with(until(RetentionMode::kCompliance, kHour));
  EXPECT_FAILS(end(id), Code::kPermissionDenied, reason::kLocked);
  EXPECT_FAILS(end(id, true), Code::kPermissionDenied, reason::kLocked);
  ASSERT_TRUE(run(objects.remove("bucket", "k", {})).ok());
  ASSERT_TRUE(put("k", "newer").ok());
  EXPECT_FAILS(end(id), Code::kPermissionDenied, reason::kLocked);
  clock.now += kHour;
  EXPECT_TRUE(end(id).ok());
}

TEST_F(ObjectLock, the_default_is_given_to_every_new_version) {
  LockConfiguration configuration;
  configuration.default_retention = DefaultRetention{RetentionMode::kGovernance, 2, 0};
  ASSERT_TRUE(run(objects.set_object_lock("bucket", configuration)).ok());
  const std::string id = put_with({});
  EXPECT_FAILS(end(id), Code::kPermissionDenied, reason::kLocked);
  const UploadInfo upload = begin("k").value();
  const PartInfo only = part(upload, 1, "x").value();
  const std::string uploaded = complete(completion(upload, {only}))->version_id;
  EXPECT_FAILS(end(uploaded), Code::kPermissionDenied, reason::kLocked);
  CopyRequest copy;
  copy.source_bucket = copy.bucket = "bucket";
  copy.source_key = copy.key = "k";
  copy.source_version_id = id;
  const std::string copied = run(objects.copy(copy))->info.version_id;
  EXPECT_FAILS(end(copied), Code::kPermissionDenied, reason::kLocked);
  EXPECT_TRUE(end(copied, true).ok());
}

TEST_F(ObjectLock, a_damaged_configuration_lets_nothing_be_written_and_a_held_version_stays) {
  Extras held;
  held.legal_hold = true;
  const std::string id = put_with(held);
  ASSERT_TRUE(
      run(objects.set_bucket_setting("bucket", BucketSetting::kObjectLock, "damaged")).ok());
  EXPECT_FAILS(put("k", "x"), Code::kCorrupt, "");
  EXPECT_FAILS(end(id, true), Code::kPermissionDenied, reason::kLocked);
}

TEST_F(ObjectLock, a_bucket_without_it_takes_no_retention_and_no_hold) {
  CreateBucketRequest create;
  create.name = "plain";
  ASSERT_TRUE(run(objects.create_bucket(create)).ok());
  PutRequest request;
  request.bucket = "plain";
  request.key = "k";
  request.extras.legal_hold = true;
  EXPECT_FAILS(put(request, "x"), Code::kInvalidArgument, reason::kBucketNotLockable);
  request.extras = {};
  ASSERT_TRUE(put(request, "x").ok());
  EXPECT_FAILS(run(objects.set_legal_hold({"plain", "k", {}}, true)), Code::kInvalidArgument,
               reason::kBucketNotLockable);
  EXPECT_FAILS(run(objects.set_object_lock("plain", {})), Code::kConflict,
               reason::kInvalidBucketState);
}

TEST_F(ObjectLock, suspending_versions_is_refused) {
  EXPECT_FAILS(run(objects.set_versioning("bucket", Versioning::kSuspended)), Code::kConflict,
               reason::kInvalidBucketState);
}

}  // namespace
}  // namespace strata::object
