// What the simulated disk keeps and loses when the power is cut.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"

namespace strata::io {
namespace {

constexpr CrashPlan kLoseAll{.survival = Survival::kNothing};
constexpr CrashPlan kKeepAll{.survival = Survival::kEverything};
constexpr uint64_t kSeeds = 200;

void put(FileSystem& files, const std::string& path, std::string_view text, uint64_t offset = 0) {
  auto file = files.open(path, {.write = true, .create = true}).value();
  ASSERT_TRUE(file->write_at(offset, as_bytes(text)).ok());
}
void flush(FileSystem& files, const std::string& path) {
  ASSERT_TRUE(files.open(path, {})->get()->sync().ok());
}
std::string get(FileSystem& files, const std::string& path) {
  Result<ByteVector> bytes = read_file(files, path, kMiB);
  return bytes.ok() ? to_string(*bytes) : std::string(code_name(bytes.error().code));
}

// What the file may hold after a crash, over many seeds.
std::set<std::string> outcomes(const MemoryFileSystem& disk, const std::string& path,
                               CrashPlan plan = {}) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededRandom random(seed);
    seen.insert(get(*disk.crash_copy(random, plan), path));
  }
  return seen;
}

TEST(Crash, what_was_flushed_survives_every_time) {
  MemoryFileSystem disk;
  put(disk, "a", "kept");
  flush(disk, "a");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"kept"}));
  EXPECT_EQ(outcomes(disk, "a", kLoseAll), (std::set<std::string>{"kept"}));
  EXPECT_EQ(outcomes(disk, "a", kKeepAll), (std::set<std::string>{"kept"}));
}

TEST(Crash, an_unflushed_overwrite_is_old_or_new) {
  MemoryFileSystem disk;
  put(disk, "a", "old");
  flush(disk, "a");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  put(disk, "a", "new");
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"old", "new"}));
  EXPECT_EQ(outcomes(disk, "a", kLoseAll), (std::set<std::string>{"old"}));
  EXPECT_EQ(outcomes(disk, "a", kKeepAll), (std::set<std::string>{"new"}));
}

TEST(Crash, a_later_write_may_survive_an_earlier_one) {
  MemoryFileSystem disk;
  put(disk, "a", "..");
  flush(disk, "a");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  put(disk, "a", "1", 0);
  put(disk, "a", "2", 1);
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"..", "1.", ".2", "12"}));
}

TEST(Crash, flushing_a_file_does_not_flush_its_entry) {
  MemoryFileSystem disk;
  put(disk, "a", "data");
  flush(disk, "a");
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"not_found", "data"}));
  EXPECT_EQ(outcomes(disk, "a", kLoseAll), (std::set<std::string>{"not_found"}));
}

TEST(Crash, flushing_the_entry_does_not_flush_the_file) {
  MemoryFileSystem disk;
  put(disk, "a", "data");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"", "data"}));
}

// Reads blocks of `sector` bytes and tells which of them are new.
std::string sectors(const std::string& content, size_t sector) {
  std::string map;
  for (size_t at = 0; at < content.size(); at += sector) {
    const std::string piece = content.substr(at, sector);
    if (piece.find_first_not_of('o') == std::string::npos) {
      map += 'o';
    } else {
      map += piece.find_first_not_of('n') == std::string::npos ? 'n' : '!';
    }
  }
  return map;
}

TEST(Crash, a_write_tears_at_the_sectors_that_were_asked_for) {
  for (const uint32_t sector : {512u, 4096u, 0u}) {
    MemoryFileSystem disk;
    const size_t unit = sector == 0 ? 16'384 : sector;
    put(disk, "a", std::string(16'384, 'o'));
    flush(disk, "a");
    ASSERT_TRUE(disk.sync_directory("/").ok());
    put(disk, "a", std::string(16'384, 'n'));
    std::set<std::string> maps;
    for (const std::string& content : outcomes(disk, "a", {.sector_bytes = sector})) {
      maps.insert(sectors(content, unit));
      EXPECT_EQ(maps.rbegin()->find('!'), std::string::npos) << "torn inside a sector";
    }
    if (sector == 0) {
      EXPECT_EQ(maps, (std::set<std::string>{"o", "n"}));
    } else {
      EXPECT_GT(maps.size(), 10u) << "sectors of " << sector << " did not tear";
    }
  }
}

TEST(Crash, a_torn_write_that_is_not_aligned_tears_at_sectors_of_the_file) {
  MemoryFileSystem disk;
  put(disk, "a", std::string(1024, 'o'));
  flush(disk, "a");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  put(disk, "a", std::string(512, 'n'), 256);
  std::set<std::string> maps;
  for (const std::string& content : outcomes(disk, "a")) maps.insert(sectors(content, 256));
  EXPECT_EQ(maps, (std::set<std::string>{"oooo", "onoo", "oono", "onno"}));
}

TEST(Crash, a_rename_is_old_or_new_until_its_folder_is_flushed) {
  MemoryFileSystem disk;
  put(disk, "a", "old");
  put(disk, "b", "new");
  flush(disk, "a");
  flush(disk, "b");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  ASSERT_TRUE(disk.rename("b", "a").ok());
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"old", "new"}));
  ASSERT_TRUE(disk.sync_directory("/").ok());
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"new"}));
}

std::string where(FileSystem& files) {
  return (files.info("x/f").ok() ? "x" : "") + std::string(files.info("y/f").ok() ? "y" : "");
}

TEST(Crash, a_rename_between_folders_is_in_exactly_one_of_them) {
  for (const char* flushed : {"", "x", "y"}) {
    MemoryFileSystem disk;
    ASSERT_TRUE(create_directories(disk, "x").ok());
    ASSERT_TRUE(create_directories(disk, "y").ok());
    put(disk, "x/f", "");
    ASSERT_TRUE(disk.sync_directory("x").ok());
    for (int i = 0; i < 5; ++i) {  // other changes, so that the folders' prefixes differ
      put(disk, "x/" + std::to_string(i), "");
      put(disk, "y/" + std::to_string(i), "");
    }
    ASSERT_TRUE(disk.rename("x/f", "y/f").ok());
    if (*flushed != 0) {
      ASSERT_TRUE(disk.sync_directory(flushed).ok());
    }
    std::set<std::string> seen;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SeededRandom random(seed);
      seen.insert(where(*disk.crash_copy(random)));
    }
    if (*flushed == 0) {
      EXPECT_EQ(seen, (std::set<std::string>{"x", "y"}));
    } else {
      EXPECT_EQ(seen, (std::set<std::string>{"y"})) << flushed;
    }
  }
}

TEST(Crash, a_folder_that_lost_its_entry_takes_its_files_along) {
  MemoryFileSystem disk;
  ASSERT_TRUE(disk.create_directory("d").ok());
  put(disk, "d/f", "data");
  flush(disk, "d/f");
  ASSERT_TRUE(disk.sync_directory("d").ok());
  EXPECT_EQ(outcomes(disk, "d/f", kLoseAll), (std::set<std::string>{"not_found"}));
  ASSERT_TRUE(disk.sync_directory("/").ok());
  EXPECT_EQ(outcomes(disk, "d/f", kLoseAll), (std::set<std::string>{"data"}));
}

TEST(Crash, a_removed_file_may_come_back_with_its_flushed_bytes) {
  MemoryFileSystem disk;
  put(disk, "a", "data");
  flush(disk, "a");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  ASSERT_TRUE(disk.remove_file("a").ok());
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{"not_found", "data"}));
}

TEST(Crash, a_moved_file_is_not_lost_when_its_old_folder_goes) {
  MemoryFileSystem disk;
  ASSERT_TRUE(create_directories(disk, "x").ok());
  ASSERT_TRUE(create_directories(disk, "y").ok());
  put(disk, "x/f", "");
  ASSERT_TRUE(disk.sync_directory("x").ok());
  ASSERT_TRUE(disk.rename("x/f", "y/f").ok());
  ASSERT_TRUE(disk.remove_directory("x").ok());
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededRandom random(seed);
    EXPECT_EQ(where(*disk.crash_copy(random)).size(), 1u) << "seed " << seed;
  }
  ASSERT_TRUE(disk.sync_directory("/").ok());
  SeededRandom random(0);
  EXPECT_EQ(where(*disk.crash_copy(random, kLoseAll)), "y");
}

TEST(Crash, changes_of_a_folder_survive_in_order) {
  MemoryFileSystem disk;
  for (int i = 0; i < 10; ++i) put(disk, std::to_string(i), "");
  std::set<size_t> counts;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededRandom random(seed);
    const auto copy = disk.crash_copy(random);
    const std::vector<std::string> names = copy->list("/").value();
    for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(names[i], std::to_string(i));
    counts.insert(names.size());
  }
  EXPECT_EQ(counts.size(), 11u);
}

TEST(Crash, old_handles_fail_and_locks_are_gone) {
  MemoryFileSystem disk;
  auto file = disk.open("a", {.write = true, .create = true}).value();
  auto lock = disk.lock("lock").value();
  SeededRandom random(1);
  disk.crash(random, kKeepAll);
  std::byte one[1] = {};
  EXPECT_EQ(file->write_at(0, one).error().code, Code::kIo);
  EXPECT_EQ(file->read_at(0, one).error().code, Code::kIo);
  EXPECT_EQ(file->sync().error().code, Code::kIo);
  auto again = disk.lock("lock");
  ASSERT_TRUE(again.ok());
  lock = nullptr;  // of the time before: it does not release the new one
  EXPECT_EQ(disk.lock("lock").error().code, Code::kConflict);
}

TEST(Crash, without_power_nothing_works_until_it_is_back) {
  MemoryFileSystem disk;
  auto file = disk.open("a", {.write = true, .create = true}).value();
  const uint64_t before = disk.mutations();
  disk.cut_after(2);
  EXPECT_TRUE(file->write_at(0, as_bytes("1")).ok());
  EXPECT_TRUE(file->size().ok());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(disk.mutations(), before + 2);
  EXPECT_FALSE(disk.powered());
  EXPECT_EQ(file->size().error().code, Code::kIo);
  EXPECT_EQ(disk.info("a").error().code, Code::kIo);
  EXPECT_EQ(disk.sync_directory("/").error().code, Code::kIo);
  SeededRandom random(1);
  disk.crash(random, kKeepAll);
  EXPECT_EQ(get(disk, "a"), "1");
}

TEST(Crash, bytes_that_a_failed_flush_forgot_are_not_flushed_later) {
  MemoryFileSystem disk;
  auto file = disk.open("a", {.write = true, .create = true}).value();
  ASSERT_TRUE(disk.sync_directory("/").ok());
  ASSERT_TRUE(file->write_at(0, as_bytes("lost")).ok());
  dynamic_cast<ForgetfulFile&>(*file).forget_unflushed();
  ASSERT_TRUE(file->sync().ok());
  EXPECT_EQ(get(disk, "a"), "lost");
  EXPECT_EQ(outcomes(disk, "a"), (std::set<std::string>{""}));
}

TEST(WriteFileAtomic, gives_old_or_new_at_every_cut) {
  MemoryFileSystem counting;
  ASSERT_TRUE(write_file_atomic(counting, "a", as_bytes("old")).ok());
  const uint64_t first = counting.mutations();
  ASSERT_TRUE(write_file_atomic(counting, "a", as_bytes("newer")).ok());
  const uint64_t steps = counting.mutations() - first;
  ASSERT_GE(steps, 4u);
  std::set<std::string> seen;
  for (uint64_t cut = 0; cut <= steps; ++cut) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      MemoryFileSystem disk;
      ASSERT_TRUE(write_file_atomic(disk, "a", as_bytes("old")).ok());
      disk.cut_after(cut);
      const Status written = write_file_atomic(disk, "a", as_bytes("newer"));
      EXPECT_EQ(written.ok(), cut >= steps);
      SeededRandom random(seed);
      disk.crash(random);
      const std::string content = get(disk, "a");
      seen.insert(content);
      if (written.ok()) {
        EXPECT_EQ(content, "newer") << "cut " << cut << " seed " << seed;
      }
      // What the crash left behind does not disturb the next write.
      ASSERT_TRUE(write_file_atomic(disk, "a", as_bytes("x")).ok());
      EXPECT_EQ(get(disk, "a"), "x");
      EXPECT_EQ(disk.list("/")->size(), 1u);
    }
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "newer"}));
}

TEST(CreateDirectories, are_there_after_a_crash) {
  MemoryFileSystem disk;
  ASSERT_TRUE(create_directories(disk, "a/b/c").ok());
  SeededRandom random(0);
  EXPECT_TRUE(disk.crash_copy(random, kLoseAll)->info("a/b/c").ok());
}

TEST(CreateDirectories, flushes_what_another_run_made_and_did_not_flush) {
  MemoryFileSystem disk;
  ASSERT_TRUE(disk.create_directory("a").ok());
  ASSERT_TRUE(create_directories(disk, "a/b").ok());
  SeededRandom random(0);
  EXPECT_TRUE(disk.crash_copy(random, kLoseAll)->info("a/b").ok());
}

TEST(MemoryDisk, is_full_at_its_capacity_and_frees_what_is_removed) {
  MemoryFileSystem disk({.capacity_bytes = 16'384});
  auto file = disk.open("a", {.write = true, .create = true}).value();
  EXPECT_TRUE(file->write_at(0, ByteVector(12'288)).ok());
  EXPECT_EQ(disk.space("/")->available_bytes, 4096u);
  EXPECT_EQ(file->write_at(12'288, ByteVector(8192)).error().code, Code::kNoSpace);
  EXPECT_EQ(disk.space("/")->available_bytes, 0u);
  EXPECT_TRUE(file->write_at(0, ByteVector(4096)).ok()) << "overwriting needs no space";
  EXPECT_EQ(file->allocate(kMiB, 1).error().code, Code::kNoSpace);
  ASSERT_TRUE(disk.remove_file("a").ok());
  EXPECT_EQ(disk.space("/")->available_bytes, 0u) << "an open file keeps its space";
  file = nullptr;
  EXPECT_EQ(disk.space("/")->available_bytes, 16'384u);
  disk.set_capacity(4096);
  EXPECT_EQ(disk.space("/")->capacity_bytes, 4096u);
}

TEST(MemoryDisk, a_crash_keeps_the_count_of_used_space) {
  MemoryFileSystem disk({.capacity_bytes = kMiB});
  put(disk, "a", std::string(8192, 'x'));
  ASSERT_TRUE(disk.link("a", "b").ok());
  flush(disk, "a");
  ASSERT_TRUE(disk.sync_directory("/").ok());
  put(disk, "c", std::string(8192, 'x'));
  SeededRandom random(0);
  disk.crash(random, kLoseAll);
  EXPECT_EQ(disk.space("/")->available_bytes, kMiB - 8192);
  ASSERT_TRUE(disk.remove_file("a").ok());
  EXPECT_EQ(disk.space("/")->available_bytes, kMiB - 8192);
  ASSERT_TRUE(disk.remove_file("b").ok());
  EXPECT_EQ(disk.space("/")->available_bytes, kMiB);
}

TEST(MemoryDisk, takes_the_time_from_its_clock) {
  ManualClock clock;
  MemoryFileSystem disk({.clock = &clock});
  clock.set_wall(WallTime(std::chrono::milliseconds(1234)));
  put(disk, "a", "x");
  EXPECT_EQ(disk.info("a")->modified_ms, 1234);
  clock.advance(std::chrono::milliseconds(6));
  put(disk, "a", "y");
  EXPECT_EQ(disk.info("a")->modified_ms, 1240);
}

TEST(MemoryDisk, is_used_by_many_threads) {
  MemoryFileSystem disk;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&disk, t] {
      const std::string name = std::to_string(t);
      for (int i = 0; i < 200; ++i) {
        CHECK(write_file_atomic(disk, name, as_bytes(std::to_string(i))).ok());
        SeededRandom random(static_cast<uint64_t>(i));
        if (i % 50 == 0) CHECK(disk.crash_copy(random)->list("/").ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) EXPECT_EQ(get(disk, std::to_string(t)), "199");
}

}  // namespace
}  // namespace strata::io
