// Durability receipts: of good copies, and of every way in which one can be bad.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "common/digest/checksum.h"
#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"
#include "objstore/object/object_store.h"
#include "objstore/replica/inspector.h"
#include "objstore/replica/scrub.h"
#include "strata/control_verify.h"
#include "tests/support/index_access.h"
#include "tests/support/replica_fixture.h"

namespace strata::roof {
namespace {

using drive::Index;
using drive::Table;
using tests::random_text;

class Verify : public ::testing::Test {
 protected:
  Verify() : fixture_({&disks_[0], &disks_[1], &disks_[2]}, 3) {
    fixture_.workers.clock = &clock_;
    open();
    EXPECT_TRUE(
        fixture_.run(objects_->create_bucket({.name = "photos", .region = "us-east-1"})).ok());
  }
  void open() {
    EXPECT_TRUE(fixture_.start().ok());
    objects_ = std::make_unique<object::ObjectStore>(fixture_.store(), clock_, random_);
    route_ = verify_route(fixture_.store().inspector(), stopping_);
  }
  void close() {
    objects_.reset();
    fixture_.stop();
  }
  void put(const std::string& key, const std::string& content) {
    object::PutRequest request;
    request.bucket = "photos";
    request.key = key;
    async::MemorySource body(as_bytes(content));
    ASSERT_TRUE(fixture_.run(objects_->put(std::move(request), body)).ok());
  }
  nlohmann::json ask(const nlohmann::json& request, int status = 200) {
    const ControlAnswer answer = route_("POST", kVerifyPath, request.dump());
    EXPECT_EQ(answer.status, status) << answer.body;
    return nlohmann::json::parse(answer.body);
  }
  nlohmann::json receipt(const std::string& key) {
    const nlohmann::json answer = ask({{"bucket", "photos"}, {"key", key}});
    EXPECT_EQ(answer["objects"].size(), 1U);
    return answer["objects"][0];
  }
  // Changes drive 1, whatever its keys are.
  void damage(Table table, bool remove) {
    close();
    tests::with_index(disks_[1], "/d1", [&](Index& index) {
      for (const std::string& key : tests::keys_of(index, table)) {
        if (table == Table::kRows && key[0] != 'o') continue;
        if (remove) {
          tests::remove_record(index, table, key);
        } else {
          ASSERT_TRUE(tests::flip_bit(index, table, key, 9));
        }
      }
    });
    open();
  }
  static nlohmann::json copy_on(const nlohmann::json& receipt, const std::string& drive) {
    for (const nlohmann::json& copy : receipt["copies"]) {
      if (copy["drive"] == drive) return copy;
    }
    ADD_FAILURE() << "no copy on " << drive;
    return {};
  }

  io::ManualClock clock_;
  SeededRandom random_{7};
  std::array<io::MemoryFileSystem, 3> disks_;
  tests::ReplicaFixture fixture_;
  std::unique_ptr<object::ObjectStore> objects_;
  std::atomic<bool> stopping_{false};
  ControlRoute route_;
};

TEST_F(Verify, a_receipt_names_every_copy_with_the_checksum_of_its_bytes) {
  for (const size_t bytes : {size_t{0}, size_t{1'000}, size_t{300'000}}) {
    const std::string key = "of " + std::to_string(bytes);
    const std::string content = random_text(bytes, bytes);
    put(key, content);
    const nlohmann::json got = receipt(key);
    EXPECT_TRUE(got["good"]) << got.dump(2);
    EXPECT_EQ(got["durability"], "strict");
    EXPECT_EQ(got["size_bytes"], bytes);
    ASSERT_EQ(got["copies"].size(), 3U);
    std::set<std::string> drives;
    std::array<char, 17> sum{};
    std::snprintf(sum.data(), sum.size(), "%016llx",
                  static_cast<unsigned long long>(digest::xxh3(as_bytes(content))));
    for (const nlohmann::json& copy : got["copies"]) {
      drives.insert(copy["drive_id"]);
      EXPECT_EQ(copy["data_xxh3"], sum.data());
      EXPECT_EQ(copy["row_xxh3"], got["copies"][0]["row_xxh3"]);
      EXPECT_EQ(copy["sequence"], got["copies"][0]["sequence"]);
      EXPECT_EQ(copy["verified_ms"], 0) << "no scrub yet";
      EXPECT_EQ(copy["flushed"], true);
    }
    EXPECT_EQ(drives.size(), 3U);
  }
}

TEST_F(Verify, what_the_scrub_has_verified_says_since_when_until_it_is_written_anew) {
  put("large", random_text(1, 300'000));
  replica::Scrub& scrub = fixture_.store().scrub();
  const int64_t began = clock_.wall_now().time_since_epoch().count();
  scrub.begin();
  while (scrub.step().value().more) continue;
  fixture_.store().settle();
  EXPECT_EQ(receipt("large")["copies"][2]["verified_ms"], began);
  put("large", random_text(2, 300'000));
  EXPECT_EQ(receipt("large")["copies"][2]["verified_ms"], 0);
}

TEST_F(Verify, a_bad_or_missing_record_is_told_and_not_repaired) {
  put("k", random_text(1, 1'000));
  damage(Table::kRows, false);
  for (int i = 0; i < 2; ++i) {
    const nlohmann::json got = receipt("k");
    EXPECT_FALSE(got["good"]);
    EXPECT_EQ(copy_on(got, "/d1")["row"], "bad");
    EXPECT_EQ(copy_on(got, "/d0")["row"], "good");
  }
  damage(Table::kRows, true);
  EXPECT_EQ(copy_on(receipt("k"), "/d1")["row"], "missing");
}

TEST_F(Verify, bad_or_missing_data_is_told) {
  put("small", random_text(1, 1'000));
  damage(Table::kData, false);
  EXPECT_EQ(copy_on(receipt("small"), "/d1")["data"], "bad");
  EXPECT_EQ(copy_on(receipt("small"), "/d1")["row"], "good");
  damage(Table::kBlobs, true);
  EXPECT_EQ(copy_on(receipt("small"), "/d1")["data"], "missing");
}

TEST_F(Verify, a_drive_that_is_out_has_no_good_copy) {
  put("k", "content");
  close();
  fixture_.disks()[2] = nullptr;
  open();
  const nlohmann::json got = receipt("k");
  EXPECT_FALSE(got["good"]);
  size_t unavailable = 0;
  for (const nlohmann::json& copy : got["copies"]) {
    if (copy["row"] == "unavailable") ++unavailable;
  }
  EXPECT_EQ(unavailable, 1U);
}

TEST_F(Verify, a_bucket_is_gone_through_in_pages_each_object_once) {
  for (size_t i = 0; i < kReceiptsMax * 2 + 5; ++i) put("key" + std::to_string(1000 + i), "x");
  std::vector<std::string> keys;
  nlohmann::json request = {{"bucket", "photos"}};
  for (size_t pages = 0; pages < 1'000; ++pages) {
    const nlohmann::json answer = ask(request);
    for (const nlohmann::json& one : answer["objects"]) {
      EXPECT_TRUE(one["good"]);
      keys.push_back(one["key"]);
    }
    if (answer["next"].is_null()) break;
    request["after"] = answer["next"];
  }
  EXPECT_EQ(keys.size(), kReceiptsMax * 2 + 5);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST_F(Verify, an_object_whose_records_are_all_bad_is_in_the_buckets_receipts) {
  put("k", "content");
  close();
  for (size_t drive = 0; drive < 3; ++drive) {
    tests::with_index(disks_[drive], "/d" + std::to_string(drive), [&](Index& index) {
      for (const std::string& key : tests::keys_of(index, Table::kRows)) {
        if (key[0] != 'o') continue;
        ASSERT_TRUE(tests::flip_bit(index, Table::kRows, key, 30));
      }
    });
  }
  open();
  const nlohmann::json answer = ask({{"bucket", "photos"}});
  ASSERT_EQ(answer["objects"].size(), 1U);
  EXPECT_EQ(answer["objects"][0]["key"], "k");
  EXPECT_FALSE(answer["objects"][0]["good"]);
  EXPECT_NE(answer["objects"][0]["error"], "");
}

TEST_F(Verify, what_is_not_there_and_what_is_no_request_are_errors) {
  (void)ask({{"bucket", "photos"}, {"key", "absent"}}, 404);
  (void)ask({{"bucket", "absent"}}, 404);
  (void)ask({{"bucket", "No Bucket"}}, 400);
  (void)ask({{"key", "k"}}, 400);
  put("k", "content");
  stopping_ = true;
  (void)ask({{"bucket", "photos"}, {"key", "k"}}, 503);
}

}  // namespace
}  // namespace strata::roof
