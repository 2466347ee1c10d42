// The power is cut at every step of every change of the catalogue.
#include <gtest/gtest.h>

#include "blockdev/volume/catalog.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/io/memory_file_system.h"

namespace strata::volume {
namespace {

// What the catalogue answered must hold after a power cut; what it did not answer is whole or
// absent.
class CatalogCrash : public ::testing::Test {
 protected:
  struct Ledger {
    bool first_created = false;
    bool second_created = false;
    bool first_removed = false;
    bool removing = false;
    bool grown = false;
    bool renamed = false;
    bool limited = false;
  };
  // The warnings about the power that was cut say nothing here.
  void SetUp() override { log::start(log::Level::kError, log::Format::kHuman); }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }
  Ledger run(io::FileSystem& files) {
    Ledger ledger;
    SeededRandom random(1);
    auto catalog = Catalog::open(files, "data/volumes", clock_, random);
    if (!catalog.ok()) return ledger;
    ledger.first_created = (*catalog)->create("first", kMiB).ok();
    ledger.second_created = (*catalog)->create("second", 2 * kMiB).ok();
    ledger.limited = (*catalog)->set("second", {.profile = "gp3", .iops = 5000}).ok();
    ledger.grown = (*catalog)->resize("second", 3 * kMiB).ok();
    ledger.renamed = (*catalog)->rename("second", "other").ok();
    ledger.removing = ledger.first_created;
    ledger.first_removed = (*catalog)->remove("first").ok();
    return ledger;
  }
  void check(io::MemoryFileSystem& files, const Ledger& ledger, const std::string& where) {
    SeededRandom random(2);
    auto catalog = Catalog::open(files, "data/volumes", clock_, random);
    ASSERT_TRUE(catalog.ok()) << where << ": " << catalog.error().message;
    const bool first = (*catalog)->show("first").ok();
    const bool old_name = (*catalog)->show("second").ok();
    const auto info = (*catalog)->show(old_name ? "second" : "other");
    const bool second = info.ok();
    EXPECT_FALSE(old_name && (*catalog)->show("other").ok()) << where;
    if (second) {
      EXPECT_TRUE(info->size_bytes == 2 * kMiB || info->size_bytes == 3 * kMiB) << where;
      EXPECT_TRUE(info->provision.iops == 0 || info->provision.iops == 5000) << where;
      if (ledger.limited) {
        EXPECT_EQ(info->provision.iops, 5000U) << where;
      }
      if (ledger.grown) {
        EXPECT_EQ(info->size_bytes, 3 * kMiB) << where;
      }
      if (ledger.renamed) {
        EXPECT_FALSE(old_name) << where;
      }
      EXPECT_TRUE((*catalog)->fsck(info->name, {})->clean()) << where;
    }
    if (ledger.first_created && !ledger.removing) {
      EXPECT_TRUE(first) << where;
    }
    if (ledger.first_removed) {
      EXPECT_FALSE(first) << where;
    }
    if (ledger.second_created) {
      EXPECT_TRUE(second) << where;
    }
    const auto names = files.list("data/volumes");
    ASSERT_TRUE(names.ok());
    for (const std::string& name : *names) {
      EXPECT_FALSE(name.starts_with('.')) << where << " leaves " << name;
    }
    // The catalogue goes on working.
    if (first) {
      EXPECT_TRUE((*catalog)->remove("first").ok()) << where;
    }
    EXPECT_TRUE((*catalog)->create("first", kMiB).ok()) << where;
    EXPECT_TRUE((*catalog)->create("third", kMiB).ok()) << where;
    if (second) {
      EXPECT_TRUE((*catalog)->resize(info->name, 4 * kMiB).ok()) << where;
      EXPECT_TRUE((*catalog)->rename(info->name, "fourth").ok()) << where;
    }
  }
  io::SystemClock clock_;
};

TEST_F(CatalogCrash, at_every_step_leaves_volumes_whole_or_absent) {
  io::MemoryFileSystem whole;
  ASSERT_TRUE(run(whole).first_removed);
  const uint64_t steps = whole.mutations();
  ASSERT_GT(steps, 10U);
  constexpr uint64_t kSeeds = 8;
  for (uint64_t cut = 0; cut <= steps; ++cut) {
    for (const auto survival :
         {io::Survival::kNothing, io::Survival::kRandom, io::Survival::kEverything}) {
      for (uint64_t seed = 0; seed < (survival == io::Survival::kRandom ? kSeeds : 1); ++seed) {
        io::MemoryFileSystem files;
        files.cut_after(cut);
        const Ledger ledger = run(files);
        SeededRandom random(seed);
        files.crash(random, {.survival = survival});
        check(files, ledger,
              "cut after " + std::to_string(cut) + ", survival " +
                  std::to_string(static_cast<int>(survival)) + ", seed " + std::to_string(seed));
      }
    }
  }
}

}  // namespace
}  // namespace strata::volume
