#include "objstore/object/upload_expiry.h"

#include <gtest/gtest.h>

#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

using std::chrono::hours;

class Expiry : public testing::ObjectFixture {
 protected:
  // A whole pass; false if it fails or does not end.
  bool pass() {
    for (int steps = 0; steps < 1000; ++steps) {
      const Result<worker::Step> step = expiry_.step();
      if (!step.ok()) return false;
      if (!step->more) return true;
    }
    return false;
  }
  size_t uploads_in(const std::string& bucket) {
    ListUploadsRequest request;
    request.bucket = bucket;
    return run(objects.list_uploads(request)).value().uploads.size();
  }
  Result<UploadInfo> begin_in(const std::string& bucket, const std::string& key) {
    CreateUploadRequest request;
    request.bucket = bucket;
    request.key = key;
    return run(objects.create_upload(request));
  }
  UploadExpiry expiry_{objects, clock, hours(24), [this](async::Task<Result<worker::Step>> task) {
                         return run(std::move(task));
                       }};
};

TEST_F(Expiry, an_old_upload_goes_with_its_parts_and_a_young_one_stays) {
  const UploadInfo old = begin("old").value();
  ASSERT_TRUE(part(old, 1, std::string(5'000, 'x')).ok());
  clock.now += hours(23);
  const UploadInfo young = begin("young").value();
  ASSERT_TRUE(part(young, 1, "y").ok());
  ASSERT_TRUE(pass());
  EXPECT_EQ(uploads_in("bucket"), 2U);
  clock.now += hours(1);
  ASSERT_TRUE(pass());
  EXPECT_EQ(expiry_.progress().findings, 1U);
  EXPECT_EQ(uploads_in("bucket"), 1U);
  EXPECT_EQ(store.all_blobs(), 1U) << "the old one's part is gone, the young one's is not";
}

TEST_F(Expiry, every_bucket_is_looked_through_however_many_uploads_it_has) {
  for (const char* bucket : {"aaa", "mmm", "zzz"}) {
    ASSERT_TRUE(run(objects.create_bucket({.name = bucket, .region = "us-east-1"})).ok());
    for (int i = 0; i < (bucket[0] == 'm' ? 1'200 : 2); ++i) {
      ASSERT_TRUE(begin_in(bucket, "key" + std::to_string(i)).ok());
    }
  }
  ASSERT_TRUE(begin_in("mmm", "key7").ok());  // a second upload of the same key
  clock.now += hours(24);
  ASSERT_TRUE(pass());
  EXPECT_EQ(expiry_.progress().done, 1'205U);
  EXPECT_EQ(expiry_.progress().findings, 1'205U);
  for (const char* bucket : {"aaa", "mmm", "zzz"}) EXPECT_EQ(uploads_in(bucket), 0U);
}

TEST_F(Expiry, a_failure_is_reported_and_the_next_step_goes_on) {
  ASSERT_TRUE(begin("k").ok());
  clock.now += hours(24);
  store.fail = [](testing::StoreCall call) -> std::optional<Error> {
    if (call == testing::StoreCall::kCommit) return Error(Code::kIo, "no drive");
    return std::nullopt;
  };
  EXPECT_FALSE(pass());
  store.fail = nullptr;
  EXPECT_TRUE(pass());
  EXPECT_EQ(uploads_in("bucket"), 0U);
}

}  // namespace
}  // namespace strata::object
