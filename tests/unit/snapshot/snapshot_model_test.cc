// Volumes and snapshots against byte arrays: random writes, snapshots, restores, deletions,
// collections, restarts and a place that fails now and then. What is there stays byte for byte what
// it was.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "common/base/log.h"
#include "tests/support/seeds.h"
#include "tests/support/snapshot_fixture.h"

namespace strata::snapshot {
namespace {

using chunks::kChunkBytes;
using testing::AlignedBuffer;
using testing::BlockIo;

constexpr uint64_t kSize = 4 * kChunkBytes + 4096;
constexpr size_t kVolumesAtMost = 3;
constexpr size_t kSnapshotsAtMost = 4;

class World : public testing::SnapshotFixture {
 public:
  explicit World(uint64_t seed) : random_(seed) { add_volume("v0", ByteVector(kSize)); }

  void step() {
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return write();
      case 4:
      case 5:
        return snapshot_some();
      case 6:
        return restore_some();
      case 7:
        return delete_snapshot();
      case 8:
        return delete_volume();
      case 9:
        (void)hydrate_once();
        return;
      case 10: {
        const auto collected = collect();
        ASSERT_TRUE(collected.ok()) << collected.error().message;
        return;
      }
      default:
        close();
        open();
    }
  }
  void check() {
    for (const auto& [name, bytes] : volumes_) ASSERT_TRUE(volume_bytes(name) == bytes) << name;
    for (const auto& [name, bytes] : snapshots_) {
      ASSERT_TRUE(snapshot_bytes(name) == bytes) << name;
    }
  }
  // When nothing is there any more, nothing is left behind.
  void end() {
    while (!volumes_.empty()) {
      ASSERT_TRUE(catalog().remove(volumes_.begin()->first).ok());
      volumes_.erase(volumes_.begin());
    }
    for (const auto& [name, bytes] : snapshots_) ASSERT_TRUE(service().remove(name, "own").ok());
    close();
    open();
    ASSERT_TRUE(collect().ok());
    EXPECT_EQ(place().count(""), 0U);
  }

 private:
  void add_volume(const std::string& name, ByteVector bytes) {
    if (bytes == ByteVector(kSize)) {
      ASSERT_TRUE(catalog().create(name, kSize).ok());
    }
    volumes_[name] = std::move(bytes);
  }
  template <typename Map>
  typename Map::iterator some_of(Map& map) {
    auto at = map.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(map.size())));
    return at;
  }
  void write() {
    if (volumes_.empty()) return;
    auto& [name, bytes] = *some_of(volumes_);
    const auto lease = catalog().lease(name).value();
    BlockIo io(lease->device());
    for (uint64_t i = 0; i < 1 + random_.below(4); ++i) {
      const uint64_t length = 512 * (1 + random_.below(random_.below(4) == 0 ? 1500 : 16));
      const uint64_t offset = random_.below((kSize - length) / 512 + 1) * 512;
      if (random_.below(4) == 0) {
        ASSERT_EQ(io.range(device::Op::kWriteZeroes, offset, length), 0);
        std::memset(&bytes[offset], 0, length);
        continue;
      }
      AlignedBuffer data(length);
      std::memset(data.bytes().data(), static_cast<int>(random_.below(5)), length);
      ASSERT_EQ(io.write(offset, data.bytes()), 0);
      std::memcpy(&bytes[offset], data.bytes().data(), length);
    }
    ASSERT_EQ(io.flush(), 0);
  }
  void snapshot_some() {
    if (volumes_.empty() || snapshots_.size() == kSnapshotsAtMost) return;
    const auto& [volume, bytes] = *some_of(volumes_);
    const std::string name = "s" + std::to_string(number_++);
    const bool failing = random_.below(3) == 0;
    if (failing) {
      uint64_t left = random_.below(12);
      place().set_refuse([left](chunks::MemoryPlace::Call, const std::string&) mutable -> Status {
        if (left-- == 0) return Error(Code::kIo, "refused");
        return {};
      });
    }
    const auto made = snapshot(volume, name);
    place().set_refuse(nullptr);
    if (made.ok()) {
      snapshots_[name] = bytes;
    } else {
      ASSERT_EQ(service().show(name, "own").error().code, Code::kNotFound);
    }
    if (!failing) return;
    // A claim that could not be taken back is, at the next start.
    close();
    open();
  }
  void restore_some() {
    if (snapshots_.empty() || volumes_.size() == kVolumesAtMost) return;
    const auto& [name, bytes] = *some_of(snapshots_);
    const std::string volume = "v" + std::to_string(number_++);
    const auto made = service().restore(name, "own", volume);
    ASSERT_TRUE(made.ok()) << made.error().message;
    volumes_[volume] = bytes;
  }
  void delete_snapshot() {
    if (snapshots_.empty()) return;
    const auto at = some_of(snapshots_);
    ASSERT_TRUE(service().remove(at->first, "own").ok());
    snapshots_.erase(at);
  }
  void delete_volume() {
    if (volumes_.size() < 2) return;
    const auto at = some_of(volumes_);
    const Status removed = catalog().remove(at->first);
    ASSERT_TRUE(removed.ok()) << removed.error().message;
    volumes_.erase(at);
  }

  SeededRandom random_;
  std::map<std::string, ByteVector> volumes_;
  std::map<std::string, ByteVector> snapshots_;
  uint64_t number_ = 1;
};

TEST(SnapshotModel, what_is_there_stays_byte_for_byte_what_it_was) {
  log::start(log::Level::kOff, log::Format::kHuman);
  tests::for_seeds(3, [](uint64_t seed) {
    World world(seed);
    for (int i = 0; i < 40 && !::testing::Test::HasFatalFailure(); ++i) {
      world.step();
      if (i % 8 == 7) world.check();
    }
    if (::testing::Test::HasFailure()) return;
    world.check();
    world.end();
  });
  log::start(log::Level::kWarning, log::Format::kHuman);
}

}  // namespace
}  // namespace strata::snapshot
