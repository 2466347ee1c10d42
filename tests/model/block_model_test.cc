// Disks against a byte array: random reads, writes, trims and zeroings of any alignment, on several
// queues at once, and the same through NBD on several connections with flush epochs.
//
// Requests that are under way together never overlap, so that the expected bytes are certain; parts
// of one block do meet, which is where a disk with blocks goes wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <random>

#include "blockdev/device/file_device.h"
#include "blockdev/nbd/server.h"
#include "common/base/random.h"
#include "common/io/posix_file_system.h"
#include "tests/support/block_exports.h"
#include "tests/support/block_io.h"
#include "tests/support/loop_device.h"
#include "tests/support/nbd_client.h"
#include "tests/support/temp_folder.h"

namespace strata::device {
namespace {

using testing::AlignedBuffer;
using testing::BlockIo;
using testing::NbdClient;

constexpr uint64_t kSize = kMiB;

uint64_t print_seed() {
  const char* given = std::getenv("STRATA_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << seed << " (repeat with STRATA_SEED)\n";
  return seed;
}

std::unique_ptr<FileDevice> make_image(io::FileSystem& files, const std::string& path,
                                       bool direct) {
  auto made = files.open(path, {.write = true, .create = true});
  CHECK(made.ok() && (*made)->truncate(kSize).ok());
  auto file = files.open(path, {.write = true, .direct = direct});
  CHECK(file.ok());
  return FileDevice::open(std::move(file).value(), path).value();
}

// Lengths of every kind: bytes, parts of blocks, blocks, many blocks.
uint64_t some_length(RandomSource& random) {
  switch (random.below(4)) {
    case 0:
      return 1 + random.below(600);
    case 1:
      return 512 * (1 + random.below(16));
    case 2:
      return 4096 * (1 + random.below(8));
    default:
      return 1 + random.below(40000);
  }
}

// One request of a round, beside others that do not overlap it.
struct Planned : BlockIo::Pending {
  std::unique_ptr<AlignedBuffer> data;
};

void queues_together_are_one_byte_array(FileDevice& disk) {
  SeededRandom random(print_seed());
  constexpr int kQueues = 3;
  constexpr int kRounds = 150;
  std::vector<std::unique_ptr<BlockIo>> queues;
  for (int i = 0; i < kQueues; ++i) queues.push_back(std::make_unique<BlockIo>(disk));
  ByteVector model(kSize);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::unique_ptr<Planned>> plan;
    // Left to right with small gaps or none: neighbours share blocks.
    for (uint64_t at = random.below(kSize / 2); plan.size() < 12;) {
      const uint64_t length = some_length(random);
      if (at + length > kSize) break;
      auto request = std::make_unique<Planned>();
      request->op = static_cast<Op>(random.below(6));  // no block status
      request->offset = at;
      request->length = length;
      request->fua = random.below(8) == 0;
      request->may_punch = random.below(2) == 0;
      if (request->op == Op::kRead || request->op == Op::kWrite) {
        request->data = std::make_unique<AlignedBuffer>(length, random.below(3) * 7);
        request->buffer = request->data->bytes();
        random.fill(request->buffer);
      }
      if (request->op == Op::kWrite) std::memcpy(&model[at], request->buffer.data(), length);
      if (request->op == Op::kTrim || request->op == Op::kWriteZeroes) {
        std::memset(&model[at], 0, length);
      }
      at += length + (random.below(2) == 0 ? 0 : random.below(3000));
      plan.push_back(std::move(request));
    }
    for (size_t i = 0; i < plan.size(); ++i) queues[i % kQueues]->start(*plan[i]);
    for (size_t i = 0; i < plan.size(); ++i) {
      queues[i % kQueues]->wait(*plan[i]);
      ASSERT_EQ(plan[i]->error, 0) << "round " << round;
      if (plan[i]->op != Op::kRead) continue;
      ASSERT_EQ(std::memcmp(plan[i]->buffer.data(), &model[plan[i]->offset], plan[i]->length), 0)
          << "round " << round << " offset " << plan[i]->offset << " length " << plan[i]->length;
    }
  }
  AlignedBuffer all(kSize);
  ASSERT_EQ(queues[0]->read(0, all.bytes()), 0);
  EXPECT_TRUE(std::equal(model.begin(), model.end(), all.bytes().begin()));
}

TEST(BlockModel, an_image_used_directly_is_one_byte_array_for_all_queues) {
  testing::TempFolder folder;
  io::PosixFileSystem files;
  queues_together_are_one_byte_array(*make_image(files, folder / "image", true));
}

TEST(BlockModel, an_image_in_the_page_cache_is_one_byte_array_for_all_queues) {
  testing::TempFolder folder;
  io::PosixFileSystem files;
  queues_together_are_one_byte_array(*make_image(files, folder / "image", false));
}

TEST(BlockModel, a_block_device_is_one_byte_array_for_all_queues) {
  testing::TempFolder folder;
  io::PosixFileSystem files;
  (void)make_image(files, folder / "image", false);
  const auto loop = testing::LoopDevice::over(folder / "image");
  if (!loop.ok()) GTEST_SKIP() << "NO BLOCK DEVICE WAS TESTED: " << loop.error().message;
  auto file = files.open((*loop)->path(), {.write = true, .direct = true});
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto device = FileDevice::open(std::move(file).value(), (*loop)->path());
  ASSERT_TRUE(device.ok()) << device.error().message;
  EXPECT_TRUE((*device)->direct());
  EXPECT_EQ((*device)->geometry().size_bytes, kSize);
  EXPECT_FALSE((*device)->capabilities().block_status) << "only a filesystem knows its extents";
  queues_together_are_one_byte_array(**device);
}

// A disk with a write-back cache: what is stable is what a flush or FUA made so, and nothing else.
class EpochDevice final : public BlockDevice {
 public:
  EpochDevice() : cache_(kSize), stable_(kSize) {}
  [[nodiscard]] Geometry geometry() const noexcept override { return {.size_bytes = kSize}; }
  [[nodiscard]] Capabilities capabilities() const noexcept override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<BlockQueue>> open_queue(ring::Ring& /*ring*/) override {
    return std::unique_ptr<BlockQueue>(std::make_unique<Queue>(*this));
  }
  // What a power cut now would leave.
  [[nodiscard]] ByteVector stable() {
    const std::lock_guard lock(mutex_);
    return stable_;
  }

 private:
  struct Queue final : BlockQueue {
    explicit Queue(EpochDevice& owner) : device(owner) {}
    void submit(IoRequest& request) noexcept override {
      {
        const std::lock_guard lock(device.mutex_);
        std::byte* const at = device.cache_.data() + request.offset;
        if (request.op == Op::kRead) std::memcpy(request.buffer.data(), at, request.length);
        if (request.op == Op::kWrite) std::memcpy(at, request.buffer.data(), request.length);
        if (request.op == Op::kTrim || request.op == Op::kWriteZeroes) {
          std::memset(at, 0, request.length);
        }
        if (request.op == Op::kFlush) device.stable_ = device.cache_;
        if (request.fua) std::memcpy(&device.stable_[request.offset], at, request.length);
      }
      request.complete(request, 0);
    }
    EpochDevice& device;
  };
  std::mutex mutex_;
  ByteVector cache_;
  ByteVector stable_;
};

TEST(BlockModelNbd, a_flush_on_one_connection_covers_what_all_connections_were_answered) {
  SeededRandom random(print_seed());
  testing::TempFolder folder;
  EpochDevice device;
  testing::BlockExports exports;
  exports.add("disk", device);
  metrics::Registry registry;
  std::vector<nbd::Listener> listeners;
  listeners.push_back({testing::listen_unix(folder / "nbd.sock")});
  auto server = nbd::Server::start(std::move(listeners), exports, registry, {.threads = 3});
  ASSERT_TRUE(server.ok());
  std::vector<std::unique_ptr<NbdClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<NbdClient>(folder / "nbd.sock"));
    ASSERT_TRUE(clients.back()->go("disk"));
  }
  ByteVector model(kSize);     // what every connection must see
  ByteVector promised(kSize);  // what must be stable, where `is_promised`
  std::vector<bool> is_promised(kSize, true);
  for (int step = 0; step < 600; ++step) {
    NbdClient& client = *clients[random.below(clients.size())];
    const uint64_t length = some_length(random);
    const uint64_t offset = random.below(kSize - length);
    const uint16_t flags = random.below(4) == 0 ? nbd::kFlagFua : 0;
    const auto range = [&](ByteVector& bytes) {
      return MutableBytes(bytes).subspan(offset, length);
    };
    const uint64_t kind = random.below(10);
    if (kind < 4) {
      ByteVector data(length);
      random.fill(data);
      ASSERT_EQ(client.write(offset, data, flags), 0U);
      std::memcpy(range(model).data(), data.data(), length);
    } else if (kind < 6) {
      const auto command = kind == 4 ? nbd::Command::kTrim : nbd::Command::kWriteZeroes;
      ASSERT_EQ(client.call(command, offset, static_cast<uint32_t>(length), flags), 0U);
      std::memset(range(model).data(), 0, length);
    } else if (kind < 9) {
      ByteVector got(length);
      ASSERT_EQ(client.read(offset, got), 0U);
      ASSERT_EQ(std::memcmp(got.data(), range(model).data(), length), 0) << "step " << step;
      continue;
    } else {
      ASSERT_EQ(client.call(nbd::Command::kFlush, 0, 0), 0U);
      promised = model;
      is_promised.assign(kSize, true);
      ASSERT_TRUE(device.stable() == promised) << "step " << step;
      continue;
    }
    const bool stable_now = flags != 0;
    for (uint64_t at = offset; at < offset + length; ++at) is_promised[at] = stable_now;
    if (stable_now) std::memcpy(range(promised).data(), range(model).data(), length);
    const ByteVector stable = device.stable();
    for (uint64_t at = 0; at < kSize; at += stable_now ? 1 : 97) {
      ASSERT_TRUE(!is_promised[at] || stable[at] == promised[at])
          << "step " << step << " at " << at;
    }
  }
}

}  // namespace
}  // namespace strata::device
