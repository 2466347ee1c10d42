// Queues with many requests in them at once.
#include <sys/ioctl.h>

#include <deque>
#include <functional>

#include "blockdev/device/file_device.h"
#include "common/io/posix_file_system.h"
#include "tests/unit/vhost_user/server_fixture.h"

namespace strata::vhost_user {
namespace {

// Answers at once, and counts what others have not been given yet while it gets more: bytes that go
// into a pipe through the ring stand for work at a disk.
class CountingDevice final : public device::BlockDevice {
 public:
  CountingDevice() {
    std::array<int, 2> ends{};
    CHECK(pipe2(ends.data(), O_CLOEXEC) == 0);
    reader_ = UniqueFd(ends[0]);
    writer_ = UniqueFd(ends[1]);
  }
  device::Geometry geometry() const noexcept override { return {.size_bytes = 64 * kMiB}; }
  device::Capabilities capabilities() const noexcept override { return {}; }
  Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
    return std::unique_ptr<device::BlockQueue>(std::make_unique<Queue>(*this, ring));
  }
  std::function<uint16_t()> answered;  // requests of which the guest knows that they are done
  int taken = 0;
  int not_at_the_disk_max = 0;
  int not_answered_max = 0;

 private:
  struct Queue final : device::BlockQueue {
    Queue(CountingDevice& owner, ring::Ring& used_ring) : device(owner), ring(used_ring) {}
    void submit(device::IoRequest& request) noexcept override {
      int arrived = 0;
      CHECK(ioctl(device.reader_.get(), FIONREAD, &arrived) == 0);
      device.not_at_the_disk_max = std::max(device.not_at_the_disk_max, device.taken - arrived);
      device.not_answered_max = std::max(device.not_answered_max, device.taken - device.answered());
      ++device.taken;
      device.operations_.push_back({[](ring::Operation&, int32_t) noexcept {}});
      ring.write(device.operations_.back(), device.writer_.get(), as_bytes("x"), 0);
      request.complete(request, 0);
    }
    CountingDevice& device;
    ring::Ring& ring;
  };
  UniqueFd reader_;
  UniqueFd writer_;
  std::deque<ring::Operation> operations_;
};

TEST_F(VhostUser, a_full_ring_of_requests_is_served_again_and_again) {
  testing::TempFolder folder;
  io::PosixFileSystem files;
  const std::string image = folder / "image";
  ASSERT_TRUE(files.open(image, {.write = true, .create = true}).value()->truncate(kSize).ok());
  auto file =
      device::FileDevice::open(files.open(image, {.write = true, .direct = true}).value(), image);
  ASSERT_TRUE(file.ok()) << file.error().message;
  start(keep(std::move(file).value()));
  FrontEnd front({.entries = 64, .memory_bytes = 8 * kMiB});
  ASSERT_TRUE(front.open(path()));
  constexpr uint64_t kEach = 16 * kKiB;
  for (int round = 0; round < 20; ++round) {
    std::vector<uint64_t> waits;
    for (uint64_t i = 0; i < 21; ++i) {
      const uint64_t at = front.data_at() + i * kEach;
      fill(front.memory(at + FrontEnd::kDataAt, 4096), static_cast<uint8_t>(i + round));
      front.post_simple(0, BlockType::kOut, (i * 37 + round) % 1000 * 8, at, 4096);
    }
    front.kick(0);
    for (int i = 0; i < 21; ++i) ASSERT_TRUE(front.wait_used(0));
    for (uint64_t i = 0; i < 21; ++i) {
      const uint64_t at = front.data_at() + i * kEach;
      ASSERT_EQ(front.status(at), kStatusOk);
      ASSERT_EQ(front.run(0, BlockType::kIn, (i * 37 + round) % 1000 * 8, at, 4096), kStatusOk);
      ByteVector expected(4096);
      fill(expected, static_cast<uint8_t>(i + round));
      ASSERT_EQ(
          std::memcmp(front.memory(at + FrontEnd::kDataAt, 4096).data(), expected.data(), 4096), 0);
    }
  }
}

TEST_F(VhostUser, a_deep_queue_keeps_the_disk_and_the_guest_busy_while_it_is_taken) {
  auto& counting = keep(std::make_unique<CountingDevice>());
  FrontEnd front({.entries = 128});
  counting.answered = [&] { return front.used_index(0); };  // before there is who calls it
  start(counting);
  ASSERT_TRUE(front.open(path()));
  constexpr int kDepth = 32;
  for (uint64_t i = 0; i < kDepth; ++i) {
    front.post_simple(0, BlockType::kOut, i, front.data_at() + i * 8 * kKiB, 512);
  }
  front.kick(0);
  for (int i = 0; i < kDepth; ++i) ASSERT_TRUE(front.wait_used(0));
  server_.reset();
  EXPECT_EQ(counting.taken, kDepth);
  EXPECT_LE(counting.not_at_the_disk_max, 8);
  EXPECT_LE(counting.not_answered_max, 8);
}

}  // namespace
}  // namespace strata::vhost_user
