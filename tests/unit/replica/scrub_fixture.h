// A store on disks in memory with a clock that the test moves, and its scrub, stepped by hand.
#pragma once

#include <gtest/gtest.h>

#include <array>

#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"
#include "objstore/replica/scrub.h"
#include "tests/support/index_access.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {

class ScrubTest : public ::testing::Test {
 protected:
  static constexpr size_t kDrives = 3;
  static constexpr size_t kPassStepsMax = 100'000;

  ScrubTest() : fixture_({&disks_[0], &disks_[1], &disks_[2]}, 3) {
    fixture_.workers.clock = &clock_;
  }
  void SetUp() override { ASSERT_TRUE(fixture_.start().ok()); }
  [[nodiscard]] Scrub& scrub() { return fixture_.store().scrub(); }
  [[nodiscard]] const ScrubCounts& counts() { return scrub().counts(); }
  static std::string folder(size_t drive) { return "/d" + std::to_string(drive); }

  // A whole pass at once, and what it started.
  void pass() {
    scrub().begin();
    for (size_t steps = 0; steps < kPassStepsMax; ++steps) {
      const Result<worker::Step> step = scrub().step();
      ASSERT_TRUE(step.ok()) << step.error().to_string();
      fixture_.store().settle();
      if (!step->more && step->wait > std::chrono::seconds(1)) return;
    }
    FAIL() << "the pass does not end";
  }
  // Changes a drive while the store is stopped.
  template <typename Change>
  void behind_its_back(size_t drive, Change change) {
    fixture_.stop();
    tests::with_index(disks_[drive], folder(drive), change);
    ASSERT_TRUE(fixture_.start().ok());
  }
  // The blob files of a drive.
  std::vector<std::string> files(size_t drive) {
    std::vector<std::string> paths;
    const std::string blobs = folder(drive) + "/blobs";
    const std::vector<std::string> names = disks_[drive].list(blobs).value();
    for (const std::string& name : names) {
      const std::vector<std::string> inside = disks_[drive].list(blobs + "/" + name).value();
      for (const std::string& file : inside) paths.push_back(blobs + "/" + name + "/" + file);
    }
    return paths;
  }
  ByteVector content(size_t drive, const std::string& path) {
    return io::read_file(disks_[drive], path, 64 * kMiB).value();
  }

  io::ManualClock clock_;
  std::array<io::MemoryFileSystem, kDrives> disks_{
      io::MemoryFileSystem(io::MemoryDiskOptions{.clock = &clock_}),
      io::MemoryFileSystem(io::MemoryDiskOptions{.clock = &clock_}),
      io::MemoryFileSystem(io::MemoryDiskOptions{.clock = &clock_})};
  tests::ReplicaFixture fixture_;
};

}  // namespace strata::replica
