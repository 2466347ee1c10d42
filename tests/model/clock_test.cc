// Wall time may jump in any direction: what is newest is decided by the order of changes alone.
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "common/base/log.h"
#include "common/io/memory_file_system.h"
#include "tests/support/object_history.h"

namespace strata::tests {
namespace {

using std::chrono::hours;

class ClockJumps : public ::testing::Test {
 protected:
  void SetUp() override {
    log::start(log::Level::kOff, log::Format::kHuman);
    ASSERT_TRUE(world_.start().ok());
    ASSERT_TRUE(world_.make_bucket().ok());
  }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  std::vector<io::FileSystem*> disks() { return {&disks_[0], &disks_[1], &disks_[2]}; }
  void jump(hours by) { world_.clock.set_wall(world_.clock.wall_now() + by); }
  void restart(std::optional<size_t> away = std::nullopt) {
    world_.stop();
    world_.fixture.disks() = disks();
    if (away) world_.fixture.disks()[*away] = nullptr;
    ASSERT_TRUE(world_.start().ok());
  }
  void expect_right() {
    const auto wrong = world_.check();
    EXPECT_FALSE(wrong) << *wrong;
  }

  std::array<io::MemoryFileSystem, 3> disks_;
  ObjectWorld world_{disks(), 3};
};

TEST_F(ClockJumps, the_last_write_wins_whatever_the_clock_says) {
  uint64_t seed = 1;
  for (const int by : {0, -24 * 365 * 20, 24 * 365 * 60, -24 * 365 * 45, 1}) {
    jump(hours(by));
    ASSERT_TRUE(world_.apply({Step::Kind::kPut, 0, ++seed}).ok());
    ASSERT_TRUE(world_.apply({Step::Kind::kUpload, 1, ++seed}).ok());
    ASSERT_TRUE(world_.apply({Step::Kind::kCopy, 2, 0}).ok());
    expect_right();
    jump(hours(-100));
    restart();
    expect_right();
    ASSERT_TRUE(world_.apply({Step::Kind::kRemove, 1, 0}).ok());
    expect_right();
  }
}

TEST_F(ClockJumps, a_drive_from_the_future_is_as_stale_as_it_is) {
  jump(hours(24 * 365 * 30));
  ASSERT_TRUE(world_.apply({Step::Kind::kPut, 0, 1}).ok());
  ASSERT_TRUE(world_.apply({Step::Kind::kPutLarge, 1, 2}).ok());
  restart(0);
  jump(hours(-24 * 365 * 50));
  ASSERT_TRUE(world_.apply({Step::Kind::kPut, 0, 3}).ok());
  ASSERT_TRUE(world_.apply({Step::Kind::kRemove, 1, 0}).ok());
  for (const size_t away : {size_t{3}, size_t{1}, size_t{2}}) {
    if (away < 3) {
      restart(away);
    } else {
      restart();
    }
    expect_right();
  }
}

TEST_F(ClockJumps, uploads_are_listed_by_their_start) {
  std::vector<std::string> begun;
  for (const int by : {0, -5000, 9000, -3000}) {
    jump(hours(by));
    object::CreateUploadRequest request;
    request.bucket = "bucket";
    request.key = "k";
    begun.push_back(
        world_.fixture.run(world_.objects().create_upload(std::move(request))).value().upload_id);
    restart();
  }
  object::ListUploadsRequest list;
  list.bucket = "bucket";
  const auto page = world_.fixture.run(world_.objects().list_uploads(std::move(list))).value();
  std::vector<std::string> listed;
  for (const object::UploadInfo& upload : page.uploads) listed.push_back(upload.upload_id);
  EXPECT_EQ(listed, begun);
}

}  // namespace
}  // namespace strata::tests
