// What NBD clients of one volume were answered, against what a power cut leaves: through the wire,
// the limits, the layers and the tracking of changes, by several connections on several threads.
//
// The model is a byte array of sectors, each with the tag that was last written, and for each
// sector the tags that a cut may leave: the one that a flush of any connection, or FUA, made
// stable, and those that were answered after it.
#include <gtest/gtest.h>

#include <cstring>
#include <iostream>
#include <random>

#include "blockdev/chunks/memory_place.h"
#include "blockdev/layers/layer_stack.h"
#include "blockdev/nbd/server.h"
#include "blockdev/snapshot/repository.h"
#include "blockdev/snapshot/slow_path.h"
#include "blockdev/snapshot/tracked_device.h"
#include "common/io/memory_file_system.h"
#include "tests/support/block_exports.h"
#include "tests/support/nbd_client.h"
#include "tests/support/seam_device.h"
#include "tests/support/temp_folder.h"

namespace strata {
namespace {

using testing::NbdClient;

constexpr uint64_t kSector = 512;
constexpr uint64_t kBlockSize = 2 * chunks::kChunkBytes;
constexpr uint64_t kSectors = kBlockSize / kSector;
const std::string kBlockVolume = "00112233445566778899aabbccddeeff";

uint64_t print_seed() {
  const char* given = std::getenv("STRATA_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << seed << " (repeat with STRATA_SEED)\n";
  return seed;
}

// A volume as the program opens it, on a disk that can lose power.
class Volume {
 public:
  Volume() : repository_("own", std::make_unique<chunks::MemoryPlace>(clock_), "aa", clock_) {
    CHECK(files_.create_directory("v").ok() && files_.sync_directory("/").ok());
    {
      auto image = files_.open("v/image", {.write = true, .create = true}).value();
      CHECK(image->truncate(kBlockSize).ok() && image->sync().ok());
    }
    CHECK(files_.sync_directory("v").ok());
    snapshot::TrackedDevice::Parts parts;
    parts.image = std::make_unique<testing::SeamDevice>(
        files_.open("v/image", {.write = true}).value(), kBlockSize);
    parts.state = snapshot::VolumeState::open(files_, "v", kBlockVolume).value();
    parts.fetcher = &repository_.fetcher();
    parts.name = "v";
    parts.preserved_path = "v/preserved";
    parts.files = &files_;
    tracked_ = snapshot::TrackedDevice::open(std::move(parts)).value();
    stack_ = std::make_unique<layers::LayerStack>(*tracked_, time_, nullptr, "v", 1);
    layers::StackSettings settings;
    settings.latency = layers::parse_latency("20us/100us").value();
    settings.layers.push_back(layers::MeterSpec{});
    stack_->set(settings);
    exports_.add("db", *stack_);
    std::vector<nbd::Listener> listeners;
    listeners.push_back({testing::listen_unix(folder_ / "nbd.sock")});
    server_ = nbd::Server::start(std::move(listeners), exports_, registry_, {.threads = 2}).value();
  }
  std::unique_ptr<NbdClient> connect() {
    auto client = std::make_unique<NbdClient>(folder_ / "nbd.sock");
    CHECK(client->go("db"));
    return client;
  }
  // The image after a power cut now.
  ByteVector after_power_cut(RandomSource& random, io::CrashPlan plan) {
    const auto copy = files_.crash_copy(random, plan);
    auto image = copy->open("v/image", {}).value();
    ByteVector bytes(kBlockSize);
    CHECK(image->read_at(0, bytes).value() == kBlockSize);
    return bytes;
  }

 private:
  io::SystemClock clock_;
  layers::SystemTimekeeper time_;
  metrics::Registry registry_;
  testing::TempFolder folder_;
  testing::BlockExports exports_;
  io::MemoryFileSystem files_;
  snapshot::Repository repository_;
  std::unique_ptr<snapshot::TrackedDevice> tracked_;
  std::unique_ptr<layers::LayerStack> stack_;
  std::unique_ptr<nbd::Server> server_;
};

// A sector full of one tag; the tag of a sector that is full of one.
void fill(MutableBytes sector, uint32_t tag) {
  for (size_t at = 0; at < sector.size(); at += sizeof tag) {
    std::memcpy(sector.data() + at, &tag, sizeof tag);
  }
}

std::optional<uint32_t> tag_of(Bytes sector) {
  uint32_t tag = 0;
  std::memcpy(&tag, sector.data(), sizeof tag);
  ByteVector whole(sector.size());
  fill(whole, tag);
  if (std::memcmp(whole.data(), sector.data(), sector.size()) != 0) return std::nullopt;
  return tag;
}

class Model {
 public:
  Model() : now_(kSectors), allowed_(kSectors, std::vector<uint32_t>{0}) {}
  void written(uint64_t sector, uint32_t tag, bool stable) {
    now_[sector] = tag;
    if (stable) allowed_[sector].clear();
    allowed_[sector].push_back(tag);
  }
  void flushed() {
    for (uint64_t i = 0; i < kSectors; ++i) allowed_[i] = {now_[i]};
  }
  [[nodiscard]] uint32_t now(uint64_t sector) const { return now_[sector]; }
  // Nothing, or what is wrong with what a cut left.
  [[nodiscard]] std::string problem_of(Bytes image) const {
    for (uint64_t i = 0; i < kSectors; ++i) {
      const auto tag = tag_of(image.subspan(i * kSector, kSector));
      if (!tag) return "sector " + std::to_string(i) + " is torn";
      const auto& may = allowed_[i];
      if (std::find(may.begin(), may.end(), *tag) == may.end()) {
        return "sector " + std::to_string(i) + " has " + std::to_string(*tag) + ", stable was " +
               std::to_string(may.front());
      }
    }
    return "";
  }

 private:
  std::vector<uint32_t> now_;
  std::vector<std::vector<uint32_t>> allowed_;
};

io::CrashPlan some_plan(RandomSource& random) {
  constexpr std::array<io::Survival, 3> kAll = {io::Survival::kNothing, io::Survival::kRandom,
                                                io::Survival::kEverything};
  return {.survival = kAll.at(random.below(kAll.size())), .sector_bytes = 512};
}

TEST(BlockCrash, what_one_connection_wrote_is_stable_when_another_has_flushed) {
  SeededRandom random(1);
  Volume volume;
  const auto writer = volume.connect();
  const auto flusher = volume.connect();
  ByteVector data(kSector);
  fill(data, 7);
  ASSERT_EQ(writer->write(3 * kSector, data), 0U);
  const io::CrashPlan nothing{.survival = io::Survival::kNothing};
  EXPECT_EQ(tag_of(Bytes(volume.after_power_cut(random, nothing)).subspan(3 * kSector, kSector)),
            0U)
      << "this disk forgets what nobody flushed, or the test proves nothing";
  ASSERT_EQ(flusher->call(nbd::Command::kFlush, 0, 0), 0U);
  EXPECT_EQ(tag_of(Bytes(volume.after_power_cut(random, nothing)).subspan(3 * kSector, kSector)),
            7U);
}

TEST(BlockCrash, a_cut_at_any_time_leaves_what_flushes_of_all_connections_promised) {
  SeededRandom random(print_seed());
  Volume volume;
  std::vector<std::unique_ptr<NbdClient>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(volume.connect());
  Model model;
  uint32_t tag = 0;
  for (int step = 0; step < 500; ++step) {
    NbdClient& client = *clients[random.below(clients.size())];
    const uint64_t count = 1 + random.below(random.below(10) == 0 ? 100 : 8);
    const uint64_t first = random.below(kSectors - count);
    const uint64_t kind = random.below(10);
    if (kind < 6) {
      const bool stable = random.below(5) == 0;
      ByteVector data(count * kSector);
      ++tag;
      fill(data, tag);
      ASSERT_EQ(client.write(first * kSector, data, stable ? nbd::kFlagFua : 0), 0U);
      for (uint64_t i = 0; i < count; ++i) model.written(first + i, tag, stable);
    } else if (kind < 8) {
      ByteVector got(count * kSector);
      ASSERT_EQ(client.read(first * kSector, got), 0U);
      for (uint64_t i = 0; i < count; ++i) {
        ASSERT_EQ(tag_of(Bytes(got).subspan(i * kSector, kSector)), model.now(first + i)) << step;
      }
    } else if (kind == 8) {
      ASSERT_EQ(client.call(nbd::Command::kFlush, 0, 0), 0U);
      model.flushed();
    }
    if (kind < 8 && step % 10 != 0) continue;
    const io::CrashPlan plan = some_plan(random);
    ASSERT_EQ(model.problem_of(volume.after_power_cut(random, plan)), "") << "step " << step;
  }
}

}  // namespace
}  // namespace strata
