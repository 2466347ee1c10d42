#include "blockdev/device/file_device.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "common/base/random.h"
#include "common/io/posix_file_system.h"
#include "tests/support/block_io.h"
#include "tests/support/temp_folder.h"

namespace strata::device {
namespace {

using testing::AlignedBuffer;
using testing::BlockIo;

constexpr uint64_t kSize = 4 * kMiB;

// Every behaviour holds with direct I/O and through the page cache.
class FileDeviceTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override { device_ = make("image", kSize); }

  std::unique_ptr<FileDevice> make(const std::string& name, uint64_t size, bool write = true) {
    const std::string path = folder_ / name;
    {
      auto file = files_.open(path, {.write = true, .create = true});
      EXPECT_TRUE(file.ok());
      EXPECT_TRUE((*file)->truncate(size).ok());
    }
    auto file = files_.open(path, {.write = write, .direct = GetParam()});
    EXPECT_TRUE(file.ok());
    auto device = FileDevice::open(std::move(file).value(), path);
    EXPECT_TRUE(device.ok());
    return std::move(device).value();
  }
  uint64_t allocated(const std::string& name) {
    struct stat info{};
    EXPECT_EQ(stat((folder_ / name).c_str(), &info), 0);
    return static_cast<uint64_t>(info.st_blocks) * 512;
  }

  testing::TempFolder folder_;
  io::PosixFileSystem files_;
  std::unique_ptr<FileDevice> device_;
};

INSTANTIATE_TEST_SUITE_P(DirectAndCached, FileDeviceTest, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "direct" : "cached"; });

ByteVector pattern(size_t bytes, uint64_t seed) {
  ByteVector out(bytes);
  SeededRandom(seed).fill(out);
  return out;
}

TEST_P(FileDeviceTest, a_new_image_reads_as_zeroes) {
  BlockIo io(*device_);
  ByteVector got(10000, std::byte{7});
  ASSERT_EQ(io.read(12345, got), 0);
  EXPECT_EQ(got, ByteVector(10000));
}

TEST_P(FileDeviceTest, direct_io_is_really_on_when_asked_for) {
  if (GetParam() && !device_->direct()) GTEST_SKIP() << "this filesystem has no direct I/O";
  EXPECT_EQ(device_->direct(), GetParam());
}

TEST_P(FileDeviceTest, any_alignment_of_offset_length_and_memory_is_served) {
  BlockIo io(*device_);
  ByteVector expected(kSize);
  SeededRandom random(11);
  for (int i = 0; i < 300; ++i) {
    const uint64_t length = 1 + random.below(i % 10 == 0 ? 600000 : 9000);
    const uint64_t offset = random.below(kSize - length);
    AlignedBuffer data(length, random.below(2) == 0 ? 0 : random.below(100));
    random.fill(data.bytes());
    std::memcpy(expected.data() + offset, data.bytes().data(), length);
    ASSERT_EQ(io.write(offset, data.bytes(), i % 7 == 0), 0);
    ByteVector got(length);
    ASSERT_EQ(io.read(offset, got), 0);
    ASSERT_EQ(std::memcmp(got.data(), data.bytes().data(), length), 0) << i;
  }
  AlignedBuffer all(kSize);
  ASSERT_EQ(io.read(0, all.bytes()), 0);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), all.bytes().begin()));
}

TEST_P(FileDeviceTest, zeroed_and_trimmed_ranges_read_as_zeroes_to_the_byte) {
  BlockIo io(*device_);
  SeededRandom random(5);
  for (const Op op : {Op::kTrim, Op::kWriteZeroes}) {
    for (const bool may_punch : {true, false}) {
      ByteVector expected = pattern(kSize, 1);
      ASSERT_EQ(io.write(0, expected), 0);
      for (int i = 0; i < 40; ++i) {
        const uint64_t length = 1 + random.below(i % 2 == 0 ? 700 : 50000);
        const uint64_t offset = random.below(kSize - length);
        ASSERT_EQ(io.range(op, offset, length, may_punch, i % 5 == 0), 0);
        std::fill_n(expected.begin() + static_cast<ptrdiff_t>(offset), length, std::byte{0});
      }
      ByteVector got(kSize);
      ASSERT_EQ(io.read(0, got), 0);
      ASSERT_TRUE(got == expected) << "op " << int(op) << " may_punch " << may_punch;
    }
  }
}

TEST_P(FileDeviceTest, trim_gives_space_back_and_no_hole_keeps_it) {
  BlockIo io(*device_);
  ASSERT_EQ(io.write(0, pattern(kSize, 2)), 0);
  ASSERT_EQ(io.flush(), 0);
  const uint64_t full = allocated("image");
  ASSERT_GE(full, kSize);
  ASSERT_EQ(io.range(Op::kWriteZeroes, 0, kMiB, false), 0);
  EXPECT_GE(allocated("image"), kSize);
  ASSERT_EQ(io.range(Op::kTrim, kMiB, kMiB), 0);
  EXPECT_LE(allocated("image"), full - kMiB + 64 * kKiB);
}

TEST_P(FileDeviceTest, fast_zero_deallocates_and_is_refused_where_it_would_have_to_write) {
  BlockIo io(*device_);
  ASSERT_EQ(io.write(0, pattern(kMiB, 2)), 0);
  BlockIo::Pending request;
  request.op = Op::kWriteZeroes;
  request.fast_only = true;
  request.offset = 100;
  request.length = 600000;
  EXPECT_EQ(io.run(request), 0);
  request.length = 512;
  EXPECT_EQ(io.run(request), -EOPNOTSUPP);
  ByteVector expected = pattern(kMiB, 2);
  std::fill_n(expected.begin() + 100, 600000, std::byte{0});
  ByteVector got(kMiB);
  ASSERT_EQ(io.read(0, got), 0);
  EXPECT_TRUE(got == expected);
}

TEST_P(FileDeviceTest, cache_takes_any_range_and_changes_nothing) {
  BlockIo io(*device_);
  ASSERT_EQ(io.write(0, pattern(kMiB, 4)), 0);
  EXPECT_EQ(io.range(Op::kCache, 0, kSize), 0);
  EXPECT_EQ(io.range(Op::kCache, 777, 300000), 0);
  ByteVector got(kMiB);
  ASSERT_EQ(io.read(0, got), 0);
  EXPECT_TRUE(got == pattern(kMiB, 4));
}

TEST_P(FileDeviceTest, block_status_tells_data_from_zeroes_and_zeroes_from_holes) {
  BlockIo io(*device_);
  ASSERT_EQ(io.write(kMiB, pattern(kMiB, 4)), 0);
  ASSERT_EQ(io.range(Op::kWriteZeroes, 2 * kMiB, kMiB, false), 0);
  std::vector<Extent> extents(16);
  BlockIo::Pending request;
  request.op = Op::kBlockStatus;
  request.length = kSize;
  request.extents = extents;
  io.start(request);
  io.wait(request);
  ASSERT_EQ(request.error, 0);
  ASSERT_EQ(request.extent_count, 4U);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(extents[i].length, kMiB) << i;
  EXPECT_TRUE(extents[0].hole && extents[0].zero);
  EXPECT_TRUE(!extents[1].hole && !extents[1].zero);
  EXPECT_TRUE(!extents[2].hole && extents[2].zero);
  EXPECT_TRUE(extents[3].hole && extents[3].zero);
  // Less room than extents: the first ones.
  BlockIo::Pending small;
  small.op = Op::kBlockStatus;
  small.offset = kMiB / 2;
  small.length = kSize - kMiB / 2;
  small.extents = std::span(extents).first(2);
  io.start(small);
  io.wait(small);
  ASSERT_EQ(small.extent_count, 2U);
  EXPECT_EQ(extents[0].length, kMiB / 2);
  EXPECT_EQ(extents[1].length, kMiB);
}

TEST_P(FileDeviceTest, a_file_that_grew_is_a_larger_disk_when_told) {
  auto file = files_.open(folder_ / "image", {.write = true});
  ASSERT_TRUE((*file)->truncate(2 * kSize).ok());
  EXPECT_EQ(device_->geometry().size_bytes, kSize);
  ASSERT_TRUE(device_->refresh_size().ok());
  EXPECT_EQ(device_->geometry().size_bytes, 2 * kSize);
  BlockIo io(*device_);
  EXPECT_EQ(io.write(2 * kSize - 4096, pattern(4096, 1)), 0);
  ASSERT_TRUE((*file)->truncate(kSize).ok());
  EXPECT_EQ(device_->refresh_size().error().code, Code::kInvalidArgument);
}

TEST_P(FileDeviceTest, a_read_only_device_refuses_to_change) {
  auto device = make("image", kSize, false);
  EXPECT_TRUE(device->capabilities().read_only);
  BlockIo io(*device);
  EXPECT_EQ(io.write(0, pattern(4096, 1)), -EPERM);
  EXPECT_EQ(io.range(Op::kTrim, 0, 4096), -EPERM);
  ByteVector got(4096);
  EXPECT_EQ(io.read(0, got), 0);
}

TEST_P(FileDeviceTest, an_image_that_ends_within_a_block_keeps_its_size) {
  auto device = make("odd", 10001);
  BlockIo io(*device);
  ASSERT_EQ(io.write(9000, pattern(1001, 3)), 0);
  ASSERT_EQ(io.flush(), 0);
  ByteVector got(1001);
  ASSERT_EQ(io.read(9000, got), 0);
  EXPECT_EQ(got, pattern(1001, 3));
  EXPECT_EQ(files_.info(folder_ / "odd")->size_bytes, 10001U);
}

TEST_P(FileDeviceTest, reading_an_image_that_shrank_fails_rather_than_hangs) {
  auto file = files_.open(folder_ / "image", {.write = true});
  ASSERT_TRUE((*file)->truncate(4096).ok());
  BlockIo io(*device_);
  ByteVector got(4096);
  EXPECT_EQ(io.read(kMiB, got), -EIO);
  AlignedBuffer whole(8192);
  EXPECT_EQ(io.read(0, whole.bytes()), -EIO);
}

TEST_P(FileDeviceTest, many_requests_at_once_all_complete) {
  BlockIo io(*device_);
  std::vector<AlignedBuffer> data;
  std::vector<BlockIo::Pending> requests(200);
  for (size_t i = 0; i < requests.size(); ++i) {
    data.emplace_back(4097, i % 3);
    std::fill(data[i].bytes().begin(), data[i].bytes().end(), static_cast<std::byte>(i));
    requests[i].op = Op::kWrite;
    requests[i].offset = i * 4097;
    requests[i].buffer = data[i].bytes();
    io.start(requests[i]);
  }
  for (auto& request : requests) {
    io.wait(request);
    ASSERT_EQ(request.error, 0);
  }
  ByteVector got(requests.size() * 4097);
  ASSERT_EQ(io.read(0, got), 0);
  for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], static_cast<std::byte>(i / 4097)) << i;
}

// Parts of the same blocks from several queues: what a read-modify-write without a guard loses.
TEST_P(FileDeviceTest, writes_of_parts_of_one_block_from_many_queues_are_all_kept) {
  constexpr int kQueues = 4;
  constexpr int kRounds = 60;
  constexpr uint64_t kPiece = 100;
  constexpr uint64_t kBlocks = 4;
  auto work = [&](int queue) {
    BlockIo io(*device_);
    SeededRandom random(static_cast<uint64_t>(queue));
    for (int round = 1; round <= kRounds; ++round) {
      // Pieces interleave: piece k belongs to queue k % kQueues; block kBlocks is whole and its
      // own.
      std::vector<BlockIo::Pending> requests(kBlocks * 4096 / (kPiece * kQueues));
      ByteVector data(kPiece, static_cast<std::byte>(round));
      for (size_t i = 0; i < requests.size(); ++i) {
        requests[i].op = Op::kWrite;
        requests[i].offset = (i * kQueues + static_cast<uint64_t>(queue)) * kPiece;
        requests[i].buffer = data;
        io.start(requests[i]);
      }
      AlignedBuffer whole(4096);
      std::fill(whole.bytes().begin(), whole.bytes().end(), static_cast<std::byte>(round));
      const uint64_t own = (kBlocks + 1 + static_cast<uint64_t>(queue)) * 4096;
      CHECK(io.write(own, whole.bytes()) == 0);
      for (auto& request : requests) {
        io.wait(request);
        CHECK(request.error == 0);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int queue = 0; queue < kQueues; ++queue) threads.emplace_back(work, queue);
  for (auto& thread : threads) thread.join();
  BlockIo io(*device_);
  ByteVector got(kBlocks * 4096 / (kPiece * kQueues) * kQueues * kPiece);
  ASSERT_EQ(io.read(0, got), 0);
  EXPECT_EQ(got, ByteVector(got.size(), static_cast<std::byte>(kRounds)));
}

// A whole block written by one queue beside partial writes of the same block by another: the
// block's other bytes must be the newer of the two, never those that the partial write read before.
TEST_P(FileDeviceTest, a_whole_write_is_never_undone_by_a_partial_one) {
  constexpr int kRounds = 400;
  std::atomic<int> ready{0};
  auto partial = [&] {
    BlockIo io(*device_);
    ByteVector one(1, std::byte{0xee});
    ready.fetch_add(1);
    for (int i = 0; i < kRounds; ++i) CHECK(io.write(17, one) == 0);
    ready.fetch_sub(1);
  };
  std::thread other(partial);
  BlockIo io(*device_);
  AlignedBuffer whole(4096);
  AlignedBuffer got(4096);
  for (int i = 0; i < kRounds; ++i) {
    std::fill(whole.bytes().begin(), whole.bytes().end(), static_cast<std::byte>(i));
    ASSERT_EQ(io.write(0, whole.bytes()), 0);
    ASSERT_EQ(io.read(0, got.bytes()), 0);
    for (size_t at = 0; at < 4096; ++at) {
      if (at == 17) continue;
      ASSERT_EQ(got.bytes()[at], static_cast<std::byte>(i)) << "round " << i << " byte " << at;
    }
  }
  other.join();
}

TEST(FileDevice, a_file_without_descriptor_is_refused_with_advice) {
  class NoDescriptor final : public io::File {
    Result<size_t> read_at(uint64_t, MutableBytes) override { return size_t{0}; }
    Status write_at(uint64_t, Bytes) override { return {}; }
    Status sync_data() override { return {}; }
    Status sync() override { return {}; }
    Status truncate(uint64_t) override { return {}; }
    Status allocate(uint64_t, uint64_t) override { return {}; }
    Result<uint64_t> size() override { return uint64_t{0}; }
  };
  auto device = FileDevice::open(std::make_unique<NoDescriptor>(), "memory");
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.error().code, Code::kUnsupported);
}

// A buffer of the ring's table, as a driver of the kernel's puts them there: here of our own
// memory.
class Registered {
 public:
  explicit Registered(BlockIo& io) : io_(io) {
    CHECK(io.ring().register_buffer(memory_.bytes()).ok());
  }
  ~Registered() { io_.ring().unregister_buffer(memory_.bytes().data()); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;
  [[nodiscard]] MutableBytes bytes() noexcept { return memory_.bytes(); }
  int32_t run(Op op, uint64_t offset, uint64_t length, bool fua = false) {
    BlockIo::Pending request;
    request.op = op;
    request.offset = offset;
    request.length = length;
    request.fua = fua;
    request.registered = {.index = 0, .start = reinterpret_cast<uintptr_t>(bytes().data())};
    return io_.run(request);
  }

 private:
  BlockIo& io_;
  AlignedBuffer memory_{256 * kKiB};
};

TEST_P(FileDeviceTest, a_registered_buffer_is_read_and_written_like_memory_by_whole_blocks) {
  const uint32_t unit = device_->capabilities().registered_alignment;
  if (!device_->direct()) {
    EXPECT_EQ(unit, 0U) << "into the page cache a copy is cheaper";
    return;
  }
  ASSERT_EQ(unit, device_->block_bytes());
  BlockIo io(*device_);
  Registered buffer(io);
  for (const uint64_t blocks : {1, 3, 16}) {
    const uint64_t bytes = blocks * 4096;
    const ByteVector data = pattern(bytes, blocks);
    std::copy(data.begin(), data.end(), buffer.bytes().begin());
    ASSERT_EQ(buffer.run(Op::kWrite, 8192, bytes, blocks == 3), 0);
    ByteVector got(bytes);
    ASSERT_EQ(io.read(8192, got), 0);
    EXPECT_EQ(got, data);
    std::fill(buffer.bytes().begin(), buffer.bytes().end(), std::byte{0x55});
    ASSERT_EQ(buffer.run(Op::kRead, 8192, bytes), 0);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), buffer.bytes().begin()));
    EXPECT_EQ(buffer.bytes()[bytes], std::byte{0x55});
  }
}

TEST_P(FileDeviceTest, what_a_registered_buffer_cannot_do_is_refused_before_anything_moves) {
  if (!device_->direct()) GTEST_SKIP() << "takes none";
  BlockIo io(*device_);
  const ByteVector before = pattern(8192, 5);
  ASSERT_EQ(io.write(0, before), 0);
  Registered buffer(io);
  EXPECT_EQ(buffer.run(Op::kWrite, 1, 4096), -EINVAL);
  EXPECT_EQ(buffer.run(Op::kWrite, 0, 4096 - 1), -EINVAL);
  EXPECT_EQ(buffer.run(Op::kRead, 4096, device_->block_bytes() / 2), -EINVAL);
  EXPECT_EQ(buffer.run(Op::kTrim, 0, 4096), -EINVAL);
  ByteVector got(8192);
  ASSERT_EQ(io.read(0, got), 0);
  EXPECT_EQ(got, before);
}

}  // namespace
}  // namespace strata::device
