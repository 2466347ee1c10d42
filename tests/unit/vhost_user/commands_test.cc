// Every command of a virtio disk, through shared memory.
#include <mutex>
#include <random>

#include "blockdev/vhost_user/block_request.h"
#include "tests/unit/vhost_user/server_fixture.h"

namespace strata::vhost_user {
namespace {

// Remembers what it was asked, on top of a disk in memory.
class RecordingDevice final : public device::BlockDevice {
 public:
  struct Seen {
    device::Op op;
    uint64_t offset;
    uint64_t length;
    bool fua;
    bool may_punch;
  };
  explicit RecordingDevice(uint64_t size) : disk_(device::MemoryDevice::create(size).value()) {}
  device::Geometry geometry() const noexcept override {
    device::Geometry out = disk_->geometry();
    out.size_bytes -= hidden_bytes.load();
    return out;
  }
  device::Capabilities capabilities() const noexcept override { return can; }
  Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
    auto next = disk_->open_queue(ring);
    return std::unique_ptr<device::BlockQueue>(
        std::make_unique<Queue>(*this, std::move(next).value()));
  }
  std::vector<Seen> seen() {
    const std::lock_guard lock(mutex_);
    return std::exchange(seen_, {});
  }

  device::Capabilities can;
  std::atomic<uint64_t> hidden_bytes{0};
  std::atomic<int32_t> error{0};

 private:
  struct Queue final : device::BlockQueue {
    Queue(RecordingDevice& recorder, std::unique_ptr<device::BlockQueue> below)
        : owner(recorder), next(std::move(below)) {}
    void submit(device::IoRequest& request) noexcept override {
      {
        const std::lock_guard lock(owner.mutex_);
        owner.seen_.push_back(
            {request.op, request.offset, request.length, request.fua, request.may_punch});
      }
      if (const int32_t error = owner.error.load(); error != 0) {
        return request.complete(request, error);
      }
      next->submit(request);
    }
    RecordingDevice& owner;
    std::unique_ptr<device::BlockQueue> next;
  };
  std::unique_ptr<device::MemoryDevice> disk_;
  std::mutex mutex_;
  std::vector<Seen> seen_;
};

TEST_F(VhostUser, what_is_written_is_read_back) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  const uint64_t at = front.data_at();
  const MutableBytes data = front.memory(at + FrontEnd::kDataAt, 8192);
  fill(data, 3);
  const ByteVector sent(data.begin(), data.end());
  EXPECT_EQ(front.run(0, BlockType::kOut, 16, at, 8192), kStatusOk);
  fill(data, 99);
  EXPECT_EQ(front.run(0, BlockType::kIn, 16, at, 8192), kStatusOk);
  EXPECT_TRUE(std::equal(sent.begin(), sent.end(), data.begin()));
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, at, 512), kStatusOk);
  EXPECT_EQ(data[0], std::byte{0});
  EXPECT_EQ(front.run(0, BlockType::kFlush, 0, at, 0), kStatusOk);
}

TEST_F(VhostUser, a_request_may_be_cut_into_parts_anywhere) {
  start();
  FrontEnd front({.memory_bytes = 32 * kMiB});
  ASSERT_TRUE(front.open(path()));
  std::minstd_rand random(7);
  const uint64_t base = front.data_at();
  for (const uint32_t bytes : {512U, 4096U, 65536U, 3U << 20}) {
    const MutableBytes source = front.memory(base + kMiB, bytes);
    fill(source, static_cast<uint8_t>(bytes >> 9));
    for (const BlockType type : {BlockType::kOut, BlockType::kIn}) {
      const bool write = type == BlockType::kOut;
      const uint64_t data_at = write ? base + kMiB : base + 8 * kMiB;
      front.put_header(base, type, 8);
      front.memory(base + 16, 1)[0] = std::byte{0xff};
      // The header in two parts, the data in many, the last of them with the status behind it.
      std::vector<FrontEnd::Part> parts = {{base, 5, false}, {base + 5, 11, false}};
      uint64_t gap = 0;
      for (uint32_t done = 0; done < bytes;) {
        const uint32_t part =
            parts.size() == 60
                ? bytes - done
                : std::min(bytes - done, 1 + static_cast<uint32_t>(random()) % (bytes / 8));
        if (write) {
          parts.push_back({data_at + done, part, false});
        } else {
          parts.push_back({data_at + done + gap, part, true});
          gap += 3;
        }
        done += part;
      }
      parts.push_back({base + 16, 1, true});
      const std::vector<FrontEnd::Part> kept = parts;
      front.post(0, parts);
      front.kick(0);
      const auto used = front.wait_used(0);
      ASSERT_TRUE(used);
      EXPECT_EQ(front.memory(base + 16, 1)[0], std::byte{kStatusOk});
      EXPECT_EQ(used->bytes, write ? 1 : bytes + 1);
      if (write) continue;
      uint64_t done = 0;
      for (size_t i = 2; i + 1 < kept.size(); ++i) {
        const MutableBytes got = front.memory(kept[i].at, kept[i].bytes);
        ASSERT_EQ(std::memcmp(got.data(), source.data() + done, got.size()), 0) << i;
        done += got.size();
      }
    }
  }
}

TEST_F(VhostUser, descriptors_may_lie_in_an_indirect_table) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  const uint64_t at = front.data_at();
  front.put_header(at, BlockType::kGetId, 0);
  const std::array<Descriptor, 3> table = {
      Descriptor{FrontEnd::kGuestBase + at, 16, kDescriptorNext, 1},
      Descriptor{FrontEnd::kGuestBase + at + 4096, 20, kDescriptorNext | kDescriptorWrite, 2},
      Descriptor{FrontEnd::kGuestBase + at + 64, 1, kDescriptorWrite, 0}};
  std::memcpy(front.memory(at + 8192, sizeof table).data(), table.data(), sizeof table);
  front.put_descriptor(0, 5,
                       {FrontEnd::kGuestBase + at + 8192, sizeof table, kDescriptorIndirect, 0});
  front.make_available(0, 5);
  front.kick(0);
  const auto used = front.wait_used(0);
  ASSERT_TRUE(used);
  EXPECT_EQ(used->head, 5);
  EXPECT_EQ(front.status(at), kStatusOk);
  EXPECT_EQ(as_text(front.memory(at + 4096, 18)), "serial-of-the-disk");
}

TEST_F(VhostUser, discards_and_zeroes_reach_the_disk_range_by_range) {
  auto& disk = keep(std::make_unique<RecordingDevice>(kSize));
  start(disk);
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  const uint64_t at = front.data_at();
  const std::array<BlockRange, 2> ranges = {BlockRange{8, 16, 0}, BlockRange{64, 8, 0}};
  std::memcpy(front.memory(at + FrontEnd::kDataAt, sizeof ranges).data(), ranges.data(),
              sizeof ranges);
  EXPECT_EQ(front.run(0, BlockType::kDiscard, 0, at, sizeof ranges), kStatusOk);
  auto seen = disk.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].op, device::Op::kTrim);
  EXPECT_EQ(seen[0].offset, 8 * 512U);
  EXPECT_EQ(seen[1].length, 8 * 512U);
  EXPECT_EQ(front.run(0, BlockType::kWriteZeroes, 0, at, sizeof ranges), kStatusOk);
  seen = disk.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].op, device::Op::kWriteZeroes);
  EXPECT_FALSE(seen[0].may_punch);
  const BlockRange unmap{8, 16, kRangeUnmap};
  std::memcpy(front.memory(at + FrontEnd::kDataAt, sizeof unmap).data(), &unmap, sizeof unmap);
  EXPECT_EQ(front.run(0, BlockType::kWriteZeroes, 0, at, sizeof unmap), kStatusOk);
  EXPECT_TRUE(disk.seen().front().may_punch);
  EXPECT_EQ(front.run(0, BlockType::kDiscard, 0, at, sizeof unmap), kStatusUnsupported);
  EXPECT_TRUE(disk.seen().empty());
}

TEST_F(VhostUser, what_the_disk_cannot_do_is_answered_with_a_status) {
  auto& disk = keep(std::make_unique<RecordingDevice>(kSize));
  disk.can.trim = false;
  start(disk);
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  const uint64_t at = front.data_at();
  const uint64_t sectors = kSize / 512;
  const MutableBytes range = front.memory(at + FrontEnd::kDataAt, sizeof(BlockRange));
  EXPECT_EQ(front.run(0, BlockType::kDiscard, 0, at, 16), kStatusUnsupported);
  EXPECT_EQ(front.run(0, static_cast<BlockType>(77), 0, at, 16), kStatusUnsupported);
  EXPECT_EQ(front.run(0, BlockType::kIn, sectors, at, 512), kStatusError);
  EXPECT_EQ(front.run(0, BlockType::kIn, sectors - 1, at, 1024), kStatusError);
  EXPECT_EQ(front.run(0, BlockType::kIn, ~uint64_t{0}, at, 512), kStatusError);
  EXPECT_EQ(front.run(0, BlockType::kIn, ~uint64_t{0} / 512, at, 512), kStatusError);
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, at, 100), kStatusError);
  EXPECT_EQ(front.run(0, BlockType::kOut, 0, at, 0), kStatusError);
  for (const BlockRange& bad :
       {BlockRange{sectors, 1, 0}, BlockRange{0, 0, 0}, BlockRange{~uint64_t{0}, 8, 0},
        BlockRange{0, kWriteZeroesSectorsMax + 1, 0}}) {
    std::memcpy(range.data(), &bad, sizeof bad);
    EXPECT_EQ(front.run(0, BlockType::kWriteZeroes, 0, at, sizeof bad), kStatusError);
  }
  EXPECT_EQ(front.run(0, BlockType::kWriteZeroes, 0, at, 15), kStatusError);
  EXPECT_EQ(front.run(0, BlockType::kWriteZeroes, 0, at, 17 * 16), kStatusError);
  EXPECT_TRUE(disk.seen().empty());
  disk.error.store(-EIO);
  EXPECT_EQ(front.run(0, BlockType::kOut, 0, at, 512), kStatusError);
  disk.error.store(-EOPNOTSUPP);
  EXPECT_EQ(front.run(0, BlockType::kFlush, 0, at, 0), kStatusUnsupported);
  disk.error.store(0);
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, at, 512), kStatusOk);
}

TEST_F(VhostUser, a_read_only_disk_says_so_and_refuses_writes) {
  auto& disk = keep(std::make_unique<RecordingDevice>(kSize));
  disk.can.read_only = true;
  start(disk);
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  EXPECT_NE(front.features() & kBlkReadOnly, 0U);
  EXPECT_EQ(front.run(0, BlockType::kOut, 0, front.data_at(), 512), kStatusError);
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
}

TEST_F(VhostUser, the_guest_sees_a_disk_with_a_write_cache) {
  start(*disk_, {.queues = 4});
  FrontEnd front({.queues = 4});
  ASSERT_TRUE(front.open(path()));
  const auto config = front.config();
  ASSERT_TRUE(config);
  EXPECT_EQ(config->capacity, kSize / 512);
  EXPECT_EQ(config->block_bytes, 512U);
  EXPECT_EQ(config->physical_block_exponent, 3);
  EXPECT_EQ(config->writeback, 1);
  EXPECT_EQ(config->queues, 4);
  EXPECT_GT(config->discard_sectors_max, 0U);
  EXPECT_EQ(front.ask_number(Message::kGetQueueNum), 4U);
  EXPECT_NE(front.features() & kBlkFlush, 0U);
}

TEST_F(VhostUser, every_queue_is_served) {
  start(*disk_, {.queues = 3});
  FrontEnd front({.queues = 3});
  ASSERT_TRUE(front.open(path()));
  for (uint32_t queue = 0; queue < 3; ++queue) {
    const uint64_t at = front.data_at() + queue * 64 * kKiB;
    fill(front.memory(at + FrontEnd::kDataAt, 4096), static_cast<uint8_t>(queue));
    front.post_simple(queue, BlockType::kOut, queue * 8, at, 4096);
  }
  for (uint32_t queue = 0; queue < 3; ++queue) front.kick(queue);
  for (uint32_t queue = 0; queue < 3; ++queue) {
    ASSERT_TRUE(front.wait_used(queue));
    EXPECT_EQ(front.status(front.data_at() + queue * 64 * kKiB), kStatusOk);
  }
}

TEST_F(VhostUser, without_a_write_cache_every_write_is_stable_when_answered) {
  auto& disk = keep(std::make_unique<RecordingDevice>(kSize));
  start(disk);
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  const uint64_t at = front.data_at();
  EXPECT_EQ(front.run(0, BlockType::kOut, 0, at, 512), kStatusOk);
  EXPECT_FALSE(disk.seen().front().fua);
  ByteVector payload(sizeof(ConfigWire) + 1);
  const ConfigWire wire{kConfigWceOffset, 1, kConfigFromDriver};
  std::memcpy(payload.data(), &wire, sizeof wire);
  ASSERT_TRUE(front.send(Message::kSetConfig, Bytes(payload)));
  EXPECT_EQ(front.config()->writeback, 0);
  EXPECT_EQ(front.run(0, BlockType::kOut, 0, at, 512), kStatusOk);
  EXPECT_TRUE(disk.seen().front().fua);
}

TEST_F(VhostUser, a_driver_that_cannot_flush_gets_stable_writes) {
  auto& disk = keep(std::make_unique<RecordingDevice>(kSize));
  disk.can.fua = false;
  start(disk);
  FrontEnd front({.without = kBlkFlush | kBlkConfigWce});
  ASSERT_TRUE(front.open(path()));
  EXPECT_EQ(front.run(0, BlockType::kOut, 0, front.data_at(), 512), kStatusOk);
  const auto seen = disk.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].op, device::Op::kFlush);
}

TEST_F(VhostUser, a_guest_hears_of_a_disk_that_grew) {
  auto& disk = keep(std::make_unique<RecordingDevice>(kSize));
  disk.hidden_bytes.store(kSize / 2);
  start(disk);
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  std::array<int, 2> channel{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()), 0);
  const UniqueFd ours(channel[0]);
  const UniqueFd theirs(channel[1]);
  ASSERT_TRUE(front.send(Message::kSetBackendRequestFd, Bytes(), {theirs.get()}));
  EXPECT_EQ(front.config()->capacity, kSize / 1024);
  disk.hidden_bytes.store(0);
  server_->refresh();
  MessageHeader header;
  ASSERT_EQ(recv(ours.get(), &header, sizeof header, MSG_WAITALL), ssize_t{sizeof header});
  EXPECT_EQ(header.request, kBackendConfigChange);
  EXPECT_EQ(front.config()->capacity, kSize / 512);
  EXPECT_EQ(front.run(0, BlockType::kIn, kSize / 512 - 1, front.data_at(), 512), kStatusOk);
}

TEST_F(VhostUser, old_drivers_without_event_indices_are_served) {
  start();
  FrontEnd front({.without = kRingEventIndex | kRingIndirect | kVersion1});
  ASSERT_TRUE(front.open(path()));
  for (uint64_t i = 0; i < 300; ++i) {
    ASSERT_EQ(front.run(0, BlockType::kOut, i, front.data_at(), 512), kStatusOk);
  }
}

TEST_F(VhostUser, one_front_end_at_a_time_and_the_next_one_after_it) {
  start();
  {
    FrontEnd first({});
    ASSERT_TRUE(first.open(path()));
    FrontEnd second({});
    ASSERT_TRUE(second.connect(path()));
    EXPECT_TRUE(second.closed());
    EXPECT_EQ(first.run(0, BlockType::kIn, 0, first.data_at(), 512), kStatusOk);
    EXPECT_EQ(exports_.leases(), 1);
  }
  expect_alive();
}

TEST_F(VhostUser, a_ring_that_is_stopped_goes_on_where_it_was) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
  }
  EXPECT_EQ(front.stop_queue(0), 5U);
  ASSERT_TRUE(front.start_queue(0));
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
  EXPECT_EQ(front.acknowledged(Message::kResetDevice, Bytes()), 0U);
  EXPECT_EQ(front.stop_queue(0), 6U);
}

TEST_F(VhostUser, a_server_that_stops_answers_what_is_under_way) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  front.post_simple(0, BlockType::kIn, 0, front.data_at(), 512);
  front.kick(0);
  ASSERT_TRUE(front.wait_used(0));
  server_->stop(Deadline::after(std::chrono::seconds(5)));
  EXPECT_TRUE(front.closed());
  EXPECT_EQ(exports_.leases(), 0);
}

}  // namespace
}  // namespace strata::vhost_user
