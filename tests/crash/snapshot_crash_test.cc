// Volumes that are in snapshots, or restored from one, with the power cut at every write of their
// image, bitmaps and state: no flushed byte is lost, and the next snapshot misses no change.
#include <gtest/gtest.h>

#include <cstring>

#include "blockdev/chunks/memory_place.h"
#include "blockdev/snapshot/snapshotter.h"
#include "common/base/log.h"
#include "common/io/memory_file_system.h"
#include "tests/support/block_io.h"
#include "tests/support/seam_device.h"

namespace strata::snapshot {
namespace {

using chunks::kChunkBytes;
using testing::AlignedBuffer;
using testing::BlockIo;

const std::string kVolume = "00112233445566778899aabbccddeeff";
constexpr uint64_t kChunks = 4;
constexpr uint64_t kSize = kChunks * kChunkBytes;

// What was answered as flushed, a byte a chunk at `kProbe`, and what may be there instead.
constexpr uint64_t kProbe = 8192;

class Place {
 public:
  Place() : repository_("own", make(), "aa", clock_) {}
  [[nodiscard]] Repository& repository() noexcept { return repository_; }

 private:
  std::unique_ptr<chunks::ObjectPlace> make() {
    return std::make_unique<chunks::MemoryPlace>(clock_);
  }
  io::SystemClock clock_;
  Repository repository_;
};

std::unique_ptr<io::MemoryFileSystem> make_disk(const std::vector<volume::SeedFile>& seeds) {
  auto files = std::make_unique<io::MemoryFileSystem>();
  CHECK(files->create_directory("v").ok() && files->sync_directory("/").ok());
  auto image = files->open("v/image", {.write = true, .create = true}).value();
  CHECK(image->truncate(kSize).ok() && image->sync().ok());
  for (const volume::SeedFile& seed : seeds) {
    auto file = files->open("v/" + seed.name, {.write = true, .create = true}).value();
    CHECK(file->write_at(0, seed.bytes).ok() && file->sync().ok());
  }
  CHECK(files->sync_directory("v").ok());
  return files;
}

Result<std::unique_ptr<TrackedDevice>> open_volume(io::FileSystem& files, Repository& repository) {
  TRY_ASSIGN(auto image, files.open("v/image", {.write = true}));
  TrackedDevice::Parts parts;
  parts.image = std::make_unique<testing::SeamDevice>(std::move(image), kSize);
  TRY_ASSIGN(parts.state, VolumeState::open(files, "v", kVolume));
  parts.fetcher = &repository.fetcher();
  parts.name = "v";
  parts.preserved_path = "v/preserved";
  parts.files = &files;
  return TrackedDevice::open(std::move(parts));
}

Result<chunks::Manifest> take(TrackedDevice& device, Repository& repository,
                              const std::string& name) {
  io::SystemClock clock;
  JobProgress progress;
  Snapshotter snapshotter(device, repository, clock, progress);
  return snapshotter.run({.volume_name = "v",
                          .volume_id = kVolume,
                          .name = name,
                          .id = std::string(32, static_cast<char>('0' + name.back() % 10)),
                          .rate = 0});
}

// What the client of a volume knows: of every chunk's probe, the value that is flushed and those
// that were written after it.
struct Ledger {
  std::vector<uint8_t> flushed = std::vector<uint8_t>(kChunks, 0);
  std::vector<std::vector<uint8_t>> since = std::vector<std::vector<uint8_t>>(kChunks);
  [[nodiscard]] bool allows(uint64_t chunk, uint8_t value) const {
    if (value == flushed[chunk]) return true;
    const auto& later = since[chunk];
    return std::find(later.begin(), later.end(), value) != later.end();
  }
};

class Client {
 public:
  Client(TrackedDevice& device, Ledger& ledger) : io_(device), ledger_(ledger) {}
  bool write(uint64_t chunk, uint8_t value) {
    AlignedBuffer data(512);
    std::memset(data.bytes().data(), value, 512);
    ledger_.since[chunk].push_back(value);
    return io_.write(chunk * kChunkBytes + kProbe, data.bytes()) == 0;
  }
  bool flush() {
    if (io_.flush() != 0) return false;
    for (uint64_t chunk = 0; chunk < kChunks; ++chunk) {
      if (ledger_.since[chunk].empty()) continue;
      ledger_.flushed[chunk] = ledger_.since[chunk].back();
      ledger_.since[chunk].clear();
    }
    return true;
  }
  ByteVector read_all() {
    AlignedBuffer data(kSize);
    EXPECT_EQ(io_.read(0, data.bytes()), 0);
    return {data.bytes().begin(), data.bytes().end()};
  }

 private:
  BlockIo io_;
  Ledger& ledger_;
};

ByteVector bytes_of(const chunks::Manifest& manifest, Repository& repository) {
  ByteVector out(kSize);
  for (const chunks::ManifestEntry& entry : manifest.chunks) {
    EXPECT_TRUE(
        repository.store()
            .get_chunk(entry.id, MutableBytes(out).subspan(entry.index * kChunkBytes, kChunkBytes))
            .ok());
  }
  return out;
}

void check_after_crash(io::MemoryFileSystem& files, Repository& repository, const Ledger& ledger,
                       const ByteVector* beneath) {
  auto device = open_volume(files, repository);
  ASSERT_TRUE(device.ok()) << device.error().message;
  Ledger unused;
  ByteVector now;
  {
    Client client(**device, unused);
    now = client.read_all();
  }
  for (uint64_t chunk = 0; chunk < kChunks; ++chunk) {
    const auto value = std::to_integer<uint8_t>(now[chunk * kChunkBytes + kProbe]);
    EXPECT_TRUE(ledger.allows(chunk, value)) << "chunk " << chunk << ": " << int{value};
    // Where nobody wrote the volume is what it was restored from.
    if (beneath != nullptr) {
      EXPECT_EQ(now[chunk * kChunkBytes + 5], (*beneath)[chunk * kChunkBytes + 5]) << chunk;
    }
  }
  const auto next = take(**device, repository, "z");
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_TRUE(bytes_of(*next, repository) == now) << "the next snapshot misses a change";
}

// Writes around two snapshots. False once the power is off.
bool snapshots_history(io::FileSystem& files, Repository& repository, Ledger& ledger) {
  auto device = open_volume(files, repository);
  if (!device.ok()) return false;
  Client client(**device, ledger);
  return client.write(0, 1) && client.flush() && take(**device, repository, "a").ok() &&
         client.write(0, 2) && client.write(1, 3) && client.flush() && client.write(2, 4) &&
         take(**device, repository, "b").ok() && client.write(1, 5) && client.write(3, 6) &&
         client.flush() && client.write(3, 7);
}

TEST(SnapshotCrash, a_cut_at_any_write_loses_no_flushed_byte_and_no_change) {
  uint64_t mutations = 0;
  {
    auto files = make_disk({});
    const uint64_t before = files->mutations();
    Place place;
    Ledger ledger;
    ASSERT_TRUE(snapshots_history(*files, place.repository(), ledger));
    mutations = files->mutations() - before;
  }
  EXPECT_GT(mutations, 30U);
  for (uint64_t cut = 0; cut <= mutations; ++cut) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    auto files = make_disk({});
    Place place;
    Ledger ledger;
    SeededRandom random(cut);
    files->cut_after(cut);
    (void)snapshots_history(*files, place.repository(), ledger);
    files->crash(random, {.sector_bytes = cut % 2 == 0 ? 512U : 4096U});
    check_after_crash(*files, place.repository(), ledger, nullptr);
    if (::testing::Test::HasFailure()) break;
  }
}

// A volume restored from a snapshot: some of it fetched, some written, the rest fetched.
bool restore_history(io::FileSystem& files, Repository& repository, Ledger& ledger) {
  auto device = open_volume(files, repository);
  if (!device.ok()) return false;
  Client client(**device, ledger);
  return client.write(1, 20) && client.flush() && client.write(2, 21) &&
         (*device)->slow_path().ensure_present({0, 1}).ok() &&
         (*device)->slow_path().note_hydration().ok() && client.write(0, 22) && client.flush() &&
         (*device)->slow_path().ensure_present({0, kChunks}).ok() && client.write(3, 23) &&
         client.flush() && !(*device)->hydrating();
}

TEST(SnapshotCrash, a_cut_at_any_write_of_a_hydration_never_undoes_a_flushed_write) {
  Place source;
  ByteVector beneath;
  chunks::Manifest manifest;
  Ledger restored;
  {
    auto files = make_disk({});
    auto device = open_volume(*files, source.repository()).value();
    Ledger ledger;
    Client client(*device, ledger);
    for (uint64_t chunk = 0; chunk < kChunks; ++chunk) {
      ASSERT_TRUE(client.write(chunk, static_cast<uint8_t>(10 + chunk)));
    }
    manifest = take(*device, source.repository(), "s").value();
    beneath = client.read_all();
    for (uint64_t chunk = 0; chunk < kChunks; ++chunk) {
      restored.flushed[chunk] = static_cast<uint8_t>(10 + chunk);
    }
  }
  const auto seeds = VolumeState::restored(kVolume, manifest, "own");
  uint64_t mutations = 0;
  {
    auto files = make_disk(seeds);
    const uint64_t before = files->mutations();
    Ledger ledger = restored;
    ASSERT_TRUE(restore_history(*files, source.repository(), ledger));
    mutations = files->mutations() - before;
  }
  EXPECT_GT(mutations, 20U);
  for (uint64_t cut = 0; cut <= mutations; ++cut) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    auto files = make_disk(seeds);
    Ledger ledger = restored;
    SeededRandom random(cut);
    files->cut_after(cut);
    (void)restore_history(*files, source.repository(), ledger);
    files->crash(random, {.sector_bytes = cut % 2 == 0 ? 512U : 4096U});
    check_after_crash(*files, source.repository(), ledger, &beneath);
    ASSERT_TRUE(source.repository().store().remove_manifest("z").ok());
    if (::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace strata::snapshot
