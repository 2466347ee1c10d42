// Power cuts while drives join, are added, drained and replaced: the cut lies anywhere between the
// command and the end of the sweep after it. Afterwards everything acknowledged is there, nothing
// deleted returns, the move goes on or never began, and any drive may be away.
#include <gtest/gtest.h>

#include <map>

#include "common/base/log.h"
#include "common/base/parse.h"
#include "common/io/memory_file_system.h"
#include "tests/support/replica_fixture.h"
#include "tests/support/seeds.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr uint32_t kReplicas = 3;
constexpr size_t kMemberDrives = 4;
constexpr size_t kNewDisk = 4;
constexpr uint64_t kSecondsInAll = 8;

class MembersCrash {
 public:
  explicit MembersCrash(uint64_t seed)
      : random_(seed),
        fixture_(std::vector<io::FileSystem*>(kMemberDrives, &disk_), kReplicas, seed) {}

  void run() {
    ASSERT_TRUE(fixture_.start().ok());
    for (int i = 0; i < 25; ++i) ASSERT_TRUE(change());
    const uint64_t what = random_.below(4);
    if (what == 3) stop_without_a_drive();
    if (::testing::Test::HasFailure()) return;
    disk_.cut_after(random_.below(what == 3 ? 250 : 500));
    begin(what);
    for (int step = 0; step < 400 && disk_.powered(); ++step) {
      (void)fixture_.store().resync().step();
      if (random_.below(3) == 0 && !change()) break;
    }
    fixture_.stop();
    disk_.crash(random_, {.survival = static_cast<io::Survival>(random_.below(3)),
                          .sector_bytes = random_.below(2) == 0 ? 512u : 4096u});
    start_with(std::nullopt);
    check("after the cut");
    if (::testing::Test::HasFailure()) return;
    const Status done = fixture_.resync();
    ASSERT_TRUE(done.ok()) << done.error().to_string();
    check("after the resync");
    std::vector<size_t> members;
    for (const DriveStatus& drive : fixture_.store().status().drives) {
      if (drive.id.empty()) continue;
      ASSERT_TRUE(drive.in_service) << drive.path << ": " << drive.state;
      members.push_back(parse_u64(drive.path.substr(2)).value());
    }
    for (const size_t away : members) {
      fixture_.stop();
      start_with(away);
      check("without drive " + std::to_string(away));
    }
  }

 private:
  struct State {
    std::optional<std::string> value;
    std::optional<BlobRef> blob;
    uint64_t seed = 0;
  };

  // The comparison of a drive is what is cut: its log does not reach, because it is empty.
  void stop_without_a_drive() {
    fixture_.stop();
    fixture_.disks()[1] = nullptr;
    ASSERT_TRUE(fixture_.start().ok());
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(change());
  }
  void begin(uint64_t what) {
    ReplicaSet& store = fixture_.store();
    const DriveFolderOption fresh{&disk_, "/d" + std::to_string(kNewDisk)};
    Status begun;
    if (what == 0) begun = store.add_drive(fresh);
    if (what == 1) begun = store.drain_drive("/d2");
    if (what == 2) begun = store.replace_drive("/d0", fresh);
    if (what == 3) begun = store.return_drive({&disk_, "/d1"});
    EXPECT_TRUE(begun.ok() || !disk_.powered()) << begun.error().to_string();
  }
  void start_with(std::optional<size_t> away) {
    fixture_.disks().assign(kMemberDrives + 1, &disk_);
    if (away) fixture_.disks()[*away] = nullptr;
    const Status started = fixture_.start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
  }

  // False when it failed: then what it did is in doubt.
  bool change() {
    const std::string key = "key" + std::to_string(random_.below(16));
    State next;
    State& now = known_[key];
    bool done = true;
    if (now.blob) {
      doubted_[key] = State{};
      done = fixture_.drop_blob(key, *now.blob).ok();
      if (!done) return false;
      now = State{};
    }
    const uint64_t what = random_.below(4);
    if (what == 0) {
      doubted_[key] = next;
      done = fixture_.remove(key).ok();
    } else if (what == 1) {
      next.seed = random_.next_u64();
      const size_t bytes = random_.below(2) == 0 ? 3'000 : 180'000;
      // In doubt it can be told by nothing but its absence or presence.
      doubted_[key] = State{.value = "?", .blob = {}, .seed = 0};
      const auto ref = fixture_.put_blob(key, random_text(next.seed, bytes));
      done = ref.ok();
      if (done) {
        next.blob = *ref;
        next.value = ref->id.to_hex();
      }
    } else {
      next.value = std::to_string(random_.next_u64());
      doubted_[key] = next;
      done = fixture_.put(key, *next.value).ok();
    }
    if (!done) return false;
    now = next;
    doubted_.erase(key);
    return true;
  }

  void check(const std::string& when) {
    size_t rows = 0;
    for (auto& [key, state] : known_) {
      const auto row = fixture_.get(key);
      ASSERT_TRUE(row.ok()) << when << ": " << row.error().to_string();
      const std::optional<std::string> value =
          *row ? std::optional((*row)->value) : std::optional<std::string>();
      rows += value ? 1 : 0;
      const auto doubt = doubted_.find(key);
      if (doubt != doubted_.end()) {
        const bool either = value == state.value || value == doubt->second.value ||
                            (doubt->second.value == "?" && value);
        ASSERT_TRUE(either) << when << ": " << key << " was neither asked for nor there";
        if (value != state.value) state = State{.value = value, .blob = {}, .seed = 0};
        doubted_.erase(doubt);
      }
      ASSERT_EQ(value, state.value) << when << ": " << key;
      if (!state.blob) continue;
      const auto content = fixture_.read_blob(key, *state.blob);
      ASSERT_TRUE(content.ok()) << when << ": " << content.error().to_string();
      ASSERT_EQ(*content, random_text(state.seed, state.blob->size_bytes)) << when;
    }
    const auto listed = fixture_.scan();
    ASSERT_TRUE(listed.ok()) << when << ": " << listed.error().to_string();
    ASSERT_EQ(listed->size(), rows) << when;
    EXPECT_EQ(fixture_.store().status().corrupt_found, 0u) << when;
  }

  io::MemoryFileSystem disk_;
  SeededRandom random_;
  ReplicaFixture fixture_;
  std::map<std::string, State> known_;
  std::map<std::string, State> doubted_;
};

TEST(MembersCrash, a_cut_while_drives_come_and_go_loses_and_returns_nothing) {
  log::start(log::Level::kOff, log::Format::kHuman);
  tests::for_seeds(kSecondsInAll, [](uint64_t seed) { MembersCrash(seed).run(); });
  log::start(log::Level::kWarning, log::Format::kHuman);
}

}  // namespace
}  // namespace strata::replica
