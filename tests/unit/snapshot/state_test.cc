// What a volume remembers of its snapshots, with the power cut at every write.
#include <gtest/gtest.h>

#include "blockdev/snapshot/volume_state.h"
#include "common/io/memory_file_system.h"

namespace strata::snapshot {
namespace {

const std::string kVolume = "00112233445566778899aabbccddeeff";
const std::string kFolder = "v";

SnapshotReference reference(const std::string& name) {
  return {std::string(32, 'a'), name, "own"};
}

std::unique_ptr<io::MemoryFileSystem> make_disk() {
  auto files = std::make_unique<io::MemoryFileSystem>();
  CHECK(files->create_directory(kFolder).ok() && files->sync_directory("/").ok());
  return files;
}

Result<std::unique_ptr<VolumeState>> open(io::FileSystem& files) {
  return VolumeState::open(files, kFolder, kVolume);
}

std::vector<ChunkRange> range(uint64_t first, uint64_t end) {
  return {{first, end}};
}

TEST(Tracking, decodes_to_what_was_encoded_and_refuses_every_flipped_bit) {
  const Tracking tracking{.volume_id = kVolume,
                          .base = reference("db-1"),
                          .changes = {3, 4},
                          .origin = reference("db-0")};
  const std::string text = encode_tracking(tracking);
  EXPECT_EQ(decode_tracking(as_bytes(text)).value(), tracking);
  for (size_t at = 0; at < text.size(); ++at) {
    std::string bad = text;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(decode_tracking(as_bytes(bad)).ok()) << at;
  }
}

TEST(BitmapFile, bits_that_were_set_are_there_after_reopen) {
  auto files = make_disk();
  const BitmapIdentity identity{BitmapKind::kChanges, kVolume, 1};
  {
    auto file = BitmapFile::create(*files, "v/changes-1", identity).value();
    const std::vector<ChunkRange> ranges = {{3, 5}, {kBitsPerPage - 1, kBitsPerPage + 2}};
    ASSERT_TRUE(file->set(ranges).ok());
  }
  auto file = BitmapFile::open(*files, "v/changes-1", identity).value();
  EXPECT_EQ(file->bits().count({0, Bitmap::kBits}), 5U);
  EXPECT_TRUE(file->bits().test(kBitsPerPage + 1));
}

TEST(BitmapFile, a_damaged_page_of_changes_counts_as_all_changed) {
  auto files = make_disk();
  const BitmapIdentity identity{BitmapKind::kChanges, kVolume, 1};
  {
    auto file = BitmapFile::create(*files, "v/changes-1", identity).value();
    ASSERT_TRUE(file->set(range(3, 5)).ok());
    auto raw = files->open("v/changes-1", {.write = true}).value();
    const std::byte garbage[1] = {std::byte{0x55}};
    ASSERT_TRUE(raw->write_at(kBitmapPageBytes + 700, garbage).ok());
  }
  auto file = BitmapFile::open(*files, "v/changes-1", identity).value();
  EXPECT_TRUE(file->bits().all({0, kBitsPerPage}));
  EXPECT_FALSE(file->bits().test(kBitsPerPage));
  // Of another volume, or another generation: everything.
  auto other = BitmapFile::open(*files, "v/changes-1", {BitmapKind::kChanges, kVolume, 2}).value();
  EXPECT_TRUE(other->bits().all({0, Bitmap::kBits}));
}

TEST(BitmapFile, one_damaged_copy_of_hydration_is_survived_and_two_are_refused) {
  auto files = make_disk();
  const BitmapIdentity identity{BitmapKind::kHydration, kVolume, 0};
  auto made = BitmapFile::create(*files, "v/hydration", identity).value();
  ASSERT_TRUE(made->set(range(3, 5)).ok());
  auto raw = files->open("v/hydration", {.write = true}).value();
  const std::byte garbage[1] = {std::byte{0x55}};
  ASSERT_TRUE(raw->write_at(kBitmapPageBytes + 700, garbage).ok());
  auto file = BitmapFile::open(*files, "v/hydration", identity);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->bits().count({0, Bitmap::kBits}), 2U);
  ASSERT_TRUE(raw->write_at(2 * kBitmapPageBytes + 700, garbage).ok());
  EXPECT_EQ(BitmapFile::open(*files, "v/hydration", identity).error().code, Code::kCorrupt);
}

// Two snapshots and the marks around them. Says of every step that it succeeded; returns how many.
struct Did {
  int steps = 0;
  std::vector<uint64_t> marked;  // since the last base that was kept, durable
  std::string base;
};

Did run_history(io::FileSystem& files) {
  Did did;
  const auto say = [&](const Status& status) {
    if (status.ok()) ++did.steps;
    return status.ok();
  };
  auto opened = open(files);
  if (!opened.ok()) return did;
  VolumeState& state = **opened;
  if (!say(state.prepare_snapshot())) return did;
  state.switch_generation();
  for (const uint64_t chunk : {1, 2}) {
    if (!say(state.mark(range(chunk, chunk + 1)))) return did;
    did.marked.push_back(chunk);
  }
  if (!say(state.finish_snapshot(reference("s1")))) return did;
  did.base = "s1";
  if (!say(state.mark(range(5, 6)))) return did;
  did.marked.push_back(5);
  if (!say(state.prepare_snapshot())) return did;
  if (!say(state.mark(range(6, 7)))) return did;
  did.marked.push_back(6);
  state.switch_generation();
  if (!say(state.mark(range(7, 8)))) return did;
  did.marked.push_back(7);
  if (!say(state.abandon_snapshot())) return did;
  if (!say(state.prepare_snapshot())) return did;
  state.switch_generation();
  if (!say(state.mark(range(40000, 40001)))) return did;
  did.marked.push_back(40000);
  if (!say(state.finish_snapshot(reference("s2")))) return did;
  did.base = "s2";
  did.marked = {40000};
  return did;
}

TEST(VolumeStateCrash, after_a_cut_at_any_write_no_change_since_the_base_is_forgotten) {
  auto whole = make_disk();
  const uint64_t before = whole->mutations();
  EXPECT_EQ(run_history(*whole).steps, 12);
  const uint64_t mutations = whole->mutations() - before;
  EXPECT_GT(mutations, 30U);
  for (uint64_t cut = 0; cut < mutations; ++cut) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      SCOPED_TRACE("cut " + std::to_string(cut) + " seed " + std::to_string(seed));
      auto files = make_disk();
      SeededRandom random(seed);
      files->cut_after(cut);
      const Did did = run_history(*files);
      files->crash(random, {.sector_bytes = seed % 2 == 0 ? 512U : 4096U});
      auto reopened = open(*files);
      ASSERT_TRUE(reopened.ok()) << reopened.error().message;
      const VolumeState& state = **reopened;
      const auto& base = state.tracking().base;
      if (did.base.empty() && !base) continue;  // nothing is tracked: everything is copied
      ASSERT_TRUE(base.has_value());
      ASSERT_TRUE(state.tracks());
      EXPECT_EQ(state.tracking().changes.size(), 1U);
      // The second base may be there unanswered; then only what came after its instant counts.
      if (base->name == "s2" && did.base == "s1") continue;
      for (const uint64_t chunk : did.marked) EXPECT_TRUE(state.marks().test(chunk)) << chunk;
    }
  }
}

}  // namespace
}  // namespace strata::snapshot
