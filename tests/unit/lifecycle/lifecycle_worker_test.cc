#include "objstore/lifecycle/lifecycle_worker.h"

#include <gtest/gtest.h>

#include "objstore/object/versioning.h"
#include "tests/support/object_fixture.h"

namespace strata::lifecycle {
namespace {

using object::BucketSetting;
using std::chrono::hours;

class LifecycleWorkerTest : public testing::ObjectFixture {
 protected:
  void configure(std::string_view rules) {
    const auto parsed = settings::parse_lifecycle(
        "<LifecycleConfiguration>" + std::string(rules) + "</LifecycleConfiguration>", 1);
    ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
    ASSERT_TRUE(run(objects.set_bucket_setting("bucket", BucketSetting::kLifecycle,
                                               settings::render_lifecycle(*parsed)))
                    .ok());
  }
  void keep_versions() {
    ASSERT_TRUE(run(objects.set_versioning("bucket", object::Versioning::kEnabled)).ok());
  }
  // A whole pass; false if it fails or does not end.
  bool pass() {
    for (int steps = 0; steps < 1000; ++steps) {
      const Result<worker::Step> step = worker_.step();
      if (!step.ok()) return false;
      if (!step->more) return true;
    }
    return false;
  }
  std::vector<std::string> versions() {
    object::ListVersionsRequest request;
    request.bucket = "bucket";
    const auto page = run(objects.list_versions(request)).value();
    std::vector<std::string> found;
    for (const object::ListedVersion& version : page.versions) {
      found.push_back(version.info.key + (version.info.delete_marker ? " marker" : "") +
                      (version.latest ? " latest" : ""));
    }
    return found;
  }
  static std::string rule(std::string_view inside, std::string_view filter = "<Filter/>") {
    return "<Rule><Status>Enabled</Status>" + std::string(filter) + std::string(inside) + "</Rule>";
  }

  LifecycleWorker worker_{
      objects, clock, settings::kRealDay,
      [this](async::Task<Result<worker::Step>> task) { return run(std::move(task)); }};
};

using Names = std::vector<std::string>;

TEST_F(LifecycleWorkerTest, an_object_goes_when_its_days_are_over_and_not_before) {
  configure(
      rule("<Expiration><Days>2</Days></Expiration>", "<Filter><Prefix>logs/</Prefix></Filter>"));
  ASSERT_TRUE(put("logs/a", "x").ok());
  ASSERT_TRUE(put("other", "x").ok());
  clock.now += hours(24);
  ASSERT_TRUE(pass());
  EXPECT_EQ(versions(), (Names{"logs/a latest", "other latest"}));
  clock.now += hours(48);
  ASSERT_TRUE(pass());
  EXPECT_EQ(versions(), (Names{"other latest"}));
  EXPECT_EQ(worker_.progress().findings, 1U);
}

TEST_F(LifecycleWorkerTest, where_versions_are_kept_expiring_hides_and_later_rules_clean_up) {
  keep_versions();
  configure(
      rule("<Expiration><Days>1</Days></Expiration><NoncurrentVersionExpiration>"
           "<NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>"));
  ASSERT_TRUE(put("a", "x").ok());
  clock.now += hours(48);
  ASSERT_TRUE(pass());
  EXPECT_EQ(versions(), (Names{"a marker latest", "a"}));
  clock.now += hours(48);
  ASSERT_TRUE(pass());
  EXPECT_EQ(versions(), (Names{"a marker latest"}));
  ASSERT_TRUE(pass());
  EXPECT_EQ(versions(), Names{}) << "the marker has nothing behind it any more";
}

TEST_F(LifecycleWorkerTest, the_newest_noncurrent_versions_can_be_kept) {
  keep_versions();
  configure(
      rule("<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
           "<NewerNoncurrentVersions>2</NewerNoncurrentVersions>"
           "</NoncurrentVersionExpiration>"));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(put("a", std::to_string(i)).ok());
  clock.now += hours(72);
  ASSERT_TRUE(pass());
  EXPECT_EQ(versions(), (Names{"a latest", "a", "a"}));
}

TEST_F(LifecycleWorkerTest, an_object_moves_to_the_class_of_its_age) {
  configure(rule("<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"));
  ASSERT_TRUE(put("a", std::string(settings::kTransitionBytesMin, 'x')).ok());
  clock.now += hours(48);
  ASSERT_TRUE(pass());
  object::VersionName name{"bucket", "a", std::nullopt};
  EXPECT_EQ(run(objects.describe(std::move(name))).value().attributes.storage_class, "GLACIER");
}

TEST_F(LifecycleWorkerTest, an_upload_that_was_left_lying_is_aborted) {
  configure(
      rule("<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
           "</AbortIncompleteMultipartUpload>"));
  const object::UploadInfo upload = begin("a").value();
  ASSERT_TRUE(part(upload, 1, "x").ok());
  clock.now += hours(48);
  ASSERT_TRUE(pass());
  object::ListUploadsRequest request;
  request.bucket = "bucket";
  EXPECT_TRUE(run(objects.list_uploads(request)).value().uploads.empty());
}

TEST_F(LifecycleWorkerTest, more_keys_than_one_step_are_all_looked_at) {
  configure(rule("<Expiration><Days>1</Days></Expiration>"));
  for (int i = 0; i < 1'200; ++i) ASSERT_TRUE(put("k" + std::to_string(i), "x").ok());
  clock.now += hours(48);
  ASSERT_TRUE(pass());
  EXPECT_EQ(versions(), Names{});
}

}  // namespace
}  // namespace strata::lifecycle
