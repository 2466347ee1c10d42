// Every byte of every file of a drive is changed in turn.
//
// With good copies on other drives nothing wrong may be served, and the damage must be repaired or
// the drive be out, with a report; where nobody reads it, a scrub must report it, and it must be
// repaired by then or at the next start. With a single copy there must be an error instead of data.
// Without STRATA_TEST_EXHAUSTIVE=1 only some bytes of each file are tried, by seed; with it and
// STRATA_TEST_STRIDE=N every Nth.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <set>

#include "common/base/log.h"
#include "tests/fault/known_store.h"
#include "tests/support/seeds.h"

namespace strata::replica {
namespace {

using tests::ReplicaFixture;

void flip(io::FileSystem& disk, const std::string& path, uint64_t at, std::byte mask) {
  auto file = disk.open(path, {.write = true}).value();
  std::array<std::byte, 1> one{};
  ASSERT_EQ(file->read_at(at, one).value(), 1u);
  one[0] ^= mask;
  ASSERT_TRUE(file->write_at(at, one).ok());
}

// Files of RocksDB that are written and never read back.
bool is_read_by_nobody(const std::string& path) {
  return path.find("/index/OPTIONS-") != std::string::npos || path.ends_with("/index/IDENTITY") ||
         path.ends_with("/lock") || path.ends_with("/LOCK");
}

// Where what was written to a file ends: behind the end of a log there are zeros.
uint64_t written_bytes(io::FileSystem& disk, const std::string& path) {
  ByteVector all = io::read_file(disk, path, kGiB).value();
  while (!all.empty() && all.back() == std::byte{0}) all.pop_back();
  return all.size();
}

// The record that ends the log of a life that ended in order holds nothing, nor do the zeros behind
// it. The last one of the
// manifest, with a damaged length, is for RocksDB one that was not written to its end; here it
// names the newest log, which is found without it. Nothing may be missing then.
bool is_last_record(io::FileSystem& disk, const std::string& path, uint64_t at) {
  constexpr uint64_t kSealBytes = 28;  // header 7, batch 12, tag 9
  constexpr uint64_t kManifestRecordBytes = 128;
  const bool manifest = path.find("/MANIFEST-") != std::string::npos;
  if (manifest) return at + kManifestRecordBytes >= disk.info(path).value().size_bytes;
  return path.ends_with(".log") && at + kSealBytes >= written_bytes(disk, path);
}

// What became of the changed bytes, over all trials.
struct Tally {
  size_t trials = 0, healed = 0, drive_out = 0, found_by_scrub = 0, refused = 0, harmless = 0;
  void print(const char* what, uint64_t seed) const {
    std::printf(
        "%s: %zu bytes changed: %zu healed, %zu drive out, %zu refused to start, "
        "%zu found and mended by a scrub, %zu harmless; STRATA_TEST_SEED=%llu\n",
        what, trials, healed, drive_out, refused, found_by_scrub, harmless,
        static_cast<unsigned long long>(seed));
  }
};

class ByteFlip : public ::testing::Test {
 protected:
  void SetUp() override { log::start(log::Level::kOff, log::Format::kHuman); }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  // Calls trial(path, offset, mask) for bytes of every file of drive 0.
  template <typename Trial>
  void for_bytes(const Disks& base, size_t bytes_a_file, Trial trial) {
    const char* const only = std::getenv("STRATA_TEST_FILE");
    for (const std::string& path : files_below(*base[0], "/d0")) {
      if (only != nullptr && path.find(only) == std::string::npos) continue;
      const uint64_t size = base[0]->info(path).value().size_bytes;
      std::set<uint64_t> offsets;
      if (exhaustive()) {
        // The blocks of a blob are alike, and some files nobody reads: taken in strides.
        const bool dull = path.find("/blobs/") != std::string::npos || is_read_by_nobody(path);
        const uint64_t stride = dull ? 61 : tests::number_from("STRATA_TEST_STRIDE", 1);
        for (uint64_t at = random_.below(stride); at < size; at += stride) offsets.insert(at);
      } else if (size > 0 && !is_read_by_nobody(path)) {
        while (offsets.size() < std::min<uint64_t>(size, bytes_a_file)) {
          offsets.insert(random_.below(size));
        }
      }
      for (const uint64_t at : offsets) {
        const std::byte mask{static_cast<uint8_t>(1u << random_.below(8))};
        SCOPED_TRACE(path + " byte " + std::to_string(at) + " of " + std::to_string(size) +
                     " mask " + std::to_string(static_cast<int>(mask)) +
                     " STRATA_TEST_SEED=" + std::to_string(seed_));
        trial(path, at, mask);
        ++tally_.trials;
        if (failures_so_far() > kFailuresShown) return;
      }
    }
  }
  const uint64_t seed_ = tests::test_seed();
  SeededRandom random_{seed_};
  Tally tally_;
};

// The damage on drive 0 lies where no start and no reader met it.
void expect_scrub_mends(const KnownStore& known, const Disks& disks) {
  ReplicaFixture fixture(pointers_to(disks), 3);
  ASSERT_TRUE(fixture.start().ok());
  fixture.stop();
  // A start leaves files behind; then there is nothing left to be found.
  const bool is_there = !content_of(*disks[0], "/d0").ok();
  ASSERT_TRUE(fixture.start().ok());
  EXPECT_EQ(scrub_finds_something(fixture), is_there);
  fixture.stop();
  ASSERT_TRUE(fixture.start().ok());
  ASSERT_TRUE(fixture.resync().ok());
  const Findings findings = known.read_everything(fixture);
  EXPECT_EQ(findings.wrong + findings.errors, 0u) << findings.first;
  EXPECT_EQ(fixture.store().status().drives_in_service(), 3u);
  fixture.stop();
  const auto mended = content_of(*disks[0], "/d0");
  const auto good = content_of(*disks[1], "/d1");
  EXPECT_TRUE(mended.ok()) << "found, not repaired: " << mended.error().to_string();
  EXPECT_TRUE(!mended.ok() || (good.ok() && *mended == *good)) << "the drives differ";
}

TEST_F(ByteFlip, on_one_of_three_drives_is_never_served_and_is_repaired_or_reported) {
  KnownStore known(3);
  Disks base;
  known.fill(base);
  for_bytes(base, 4, [&](const std::string& path, uint64_t at, std::byte mask) {
    Disks disks = copy_of(base);
    flip(*disks[0], path, at, mask);
    ReplicaFixture fixture(pointers_to(disks), 3);
    bool reported = false;
    bool was_out = false;
    for (int round = 0; round < 2; ++round) {
      const Status started = fixture.start();
      if (!started.ok()) {
        EXPECT_NE(started.error().message.find("d0"), std::string::npos)
            << "says which drive: " << started.error().to_string();
        ++tally_.refused;
        return;
      }
      EXPECT_TRUE(fixture.resync().ok());
      const Findings findings = known.read_everything(fixture);
      EXPECT_EQ(findings.wrong + findings.errors, 0u) << findings.first;
      fixture.store().settle();
      const StoreStatus status = fixture.store().status();
      was_out = !status.drives[0].in_service;
      reported = reported || was_out || status.corrupt_found > 0;
      EXPECT_TRUE(status.drives[1].in_service && status.drives[2].in_service);
      fixture.stop();
    }
    if (was_out) {
      ++tally_.drive_out;
      return;
    }
    const auto damaged = content_of(*disks[0], "/d0");
    const auto good = content_of(*disks[1], "/d1");
    ASSERT_TRUE(good.ok());
    if (!reported && !is_read_by_nobody(path) && !is_last_record(*base[0], path, at)) {
      // In what nobody has read, or could do without.
      Disks again = copy_of(base);
      flip(*again[0], path, at, mask);
      EXPECT_FALSE(content_of(*again[0], "/d0").ok()) << "nobody was told";
      expect_scrub_mends(known, again);
      ++tally_.found_by_scrub;
      return;
    }
    EXPECT_TRUE(damaged.ok()) << "reported, not repaired: " << damaged.error().to_string();
    EXPECT_TRUE(!damaged.ok() || *damaged == *good) << "the drives differ";
    ++(reported ? tally_.healed : tally_.harmless);
  });
  tally_.print("three copies", seed_);
}

TEST_F(ByteFlip, with_a_single_copy_gives_an_error_and_never_wrong_data) {
  KnownStore known(1);
  Disks base;
  known.fill(base);
  for_bytes(base, 12, [&](const std::string& path, uint64_t at, std::byte mask) {
    Disks disks = copy_of(base);
    flip(*disks[0], path, at, mask);
    ReplicaFixture fixture(pointers_to(disks), 1);
    const Status started = fixture.start();
    if (!started.ok()) {
      EXPECT_NE(started.error().message.find("d0"), std::string::npos)
          << "says which drive: " << started.error().to_string();
      ++tally_.refused;
      return;
    }
    const Findings findings = known.read_everything(fixture);
    EXPECT_EQ(findings.wrong, 0u) << findings.first;
    const StoreStatus status = fixture.store().status();
    EXPECT_TRUE(findings.errors == 0 || status.corrupt_found > 0 || !status.drives[0].in_service);
    ++(findings.errors > 0 ? tally_.drive_out : tally_.harmless);
  });
  tally_.print("one copy", seed_);
}

}  // namespace
}  // namespace strata::replica
