// Power cuts under a ReplicaSet: clients change rows and blobs, the power goes at a random point,
// random parts of what was not flushed survive, and the store starts again, sometimes without one
// of its drives, sometimes cut again while it recovers.
//
// Checked after each start: what was acknowledged is there; what was in doubt is there whole or
// absent, and stays what it was found to be; nothing deleted returns; every pair of drives gives
// the same answers; no blob file is left that nobody owns.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>

#include "common/base/log.h"
#include "common/io/memory_file_system.h"
#include "tests/crash/concurrent_clients.h"
#include "tests/support/replica_fixture.h"
#include "tests/support/seeds.h"

namespace strata::replica {
namespace {

using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kClients = 5;
constexpr size_t kStoreDrives = 3;
constexpr uint64_t kStoreSecondsInAll = 12;

// What one client's three rows and its blob are: all of it changes in one commit.
struct State {
  std::string tag;              // value of the rows a and b; empty: they do not exist
  std::optional<BlobRef> blob;  // named by the row "blob"
  uint64_t blob_seed = 0;
  friend bool operator==(const State&, const State&) = default;
};

struct StoreClient {
  size_t number = 0;
  State known;                   // acknowledged, or found after a start
  std::optional<State> doubted;  // the outcome of the last commit is not known
  [[nodiscard]] std::string placement() const { return "client" + std::to_string(number); }
  [[nodiscard]] std::string key(const char* name) const { return placement() + "/" + name; }
};

// One random change; a failure of the commit leaves it in doubt, one before it does not.
async::Task<Status> change_once(Store& store, StoreClient& client, RandomSource& random) {
  Mutation mutation;
  mutation.placement = client.placement();
  State next = client.known;
  const uint64_t what = random.below(10);
  if (what < 2) {
    next.tag.clear();
    mutation.deletes = {client.key("a"), client.key("b")};
  } else {
    next.tag = "t" + std::to_string(random.next_u64());
    mutation.puts.push_back({client.key("a"), next.tag});
    mutation.puts.push_back({client.key("b"), next.tag});
  }
  if (what >= 6 || what == 0) {
    if (next.blob) mutation.drops.push_back(*next.blob);
    next.blob.reset();
    if (what == 0) {
      mutation.deletes.push_back(client.key("blob"));
    } else {
      next.blob_seed = random.next_u64();
      const size_t bytes = what == 9 ? 1'200'000 : what == 8 ? 140'000 : random.below(5'000);
      CO_TRY_ASSIGN(const BlobRef ref, co_await add_blob(store, mutation, next.blob_seed, bytes));
      next.blob = ref;
      mutation.puts.push_back({client.key("blob"), ref.id.to_hex()});
    }
  }
  client.doubted = next;
  auto committed = co_await store.commit(std::move(mutation));
  if (!committed.ok()) co_return committed.error();
  client.known = next;
  client.doubted.reset();
  co_return Status();
}

std::string value_of(ReplicaFixture& fixture, const StoreClient& client, const char* name) {
  const auto row = fixture.run(fixture.store().get(client.placement(), client.key(name)));
  EXPECT_TRUE(row.ok()) << row.error().to_string();
  return row.ok() && *row ? (*row)->value : std::string();
}

bool is_state(ReplicaFixture& fixture, const StoreClient& client, const State& state) {
  if (value_of(fixture, client, "a") != state.tag) return false;
  if (value_of(fixture, client, "b") != state.tag) return false;
  const std::string blob = value_of(fixture, client, "blob");
  if (!state.blob) return blob.empty();
  if (blob != state.blob->id.to_hex()) return false;
  const auto content =
      fixture.run(read_whole_blob(fixture.store(), client.placement(), *state.blob));
  EXPECT_TRUE(content.ok()) << content.error().to_string();
  if (!content.ok()) return false;
  EXPECT_EQ(*content, random_text(state.blob_seed, state.blob->size_bytes));
  return true;
}

class StoreCrash {
 public:
  explicit StoreCrash(uint64_t seed)
      : random_(seed),
        fixture_(std::vector<io::FileSystem*>(kStoreDrives, &disk_), kStoreDrives, seed) {
    clients_.resize(kClients);
    for (size_t i = 0; i < kClients; ++i) clients_[i].number = i;
  }

  void run(int cuts) {
    for (int cut = 0; cut < cuts && !::testing::Test::HasFailure(); ++cut) {
      fixture_.disks().assign(kStoreDrives, &disk_);
      // The first start needs them all: it decides who the drives are.
      if (cut > 0 && random_.below(3) == 0) fixture_.disks()[random_.below(kStoreDrives)] = nullptr;
      // Now and then the power goes again before the start is through.
      // The first start makes everything: its cuts lie further apart.
      if (random_.below(cut == 0 ? 2 : 3) == 0) disk_.cut_after(random_.below(cut == 0 ? 250 : 60));
      if (fixture_.start().ok()) {
        work();
      } else {
        ASSERT_FALSE(disk_.powered()) << "the store does not start";
      }
      fixture_.stop();
      crash();
      fixture_.disks().assign(kStoreDrives, &disk_);
      check("all drives", true);
      for (size_t away = 0; away < kStoreDrives; ++away) {
        fixture_.disks().assign(kStoreDrives, &disk_);
        fixture_.disks()[away] = nullptr;
        check("without drive " + std::to_string(away), false);
      }
    }
  }
  [[nodiscard]] int acknowledged() const { return acknowledged_; }

 private:
  void work() {
    if (disk_.powered()) disk_.cut_after(random_.below(600));
    acknowledged_ +=
        fixture_.run(run_clients(fixture_.store(), clients_, change_once, random_.next_u64(), 40));
  }

  void crash() {
    io::CrashPlan plan;
    plan.survival = static_cast<io::Survival>(random_.below(3));
    plan.sector_bytes = random_.below(2) == 0 ? 512 : 4096;
    disk_.crash(random_, plan);
  }

  void check(const std::string& when, bool count_files) {
    const Status started = fixture_.start();
    ASSERT_TRUE(started.ok()) << when << ": " << started.error().to_string();
    std::set<std::string> files;
    size_t rows = 0;
    for (StoreClient& client : clients_) {
      const bool is_doubted = client.doubted && is_state(fixture_, client, *client.doubted);
      if (is_doubted) client.known = *client.doubted;
      client.doubted.reset();
      ASSERT_TRUE(is_doubted || is_state(fixture_, client, client.known))
          << when << ": client " << client.number << " has neither its old nor its new state";
      rows += client.known.tag.empty() ? 0 : 2;
      rows += client.known.blob ? 1 : 0;
      if (client.known.blob && !client.known.blob->in_index) {
        files.insert(client.known.blob->id.to_hex());
      }
    }
    EXPECT_EQ(fixture_.scan().value().size(), rows) << when;
    EXPECT_EQ(fixture_.store().status().corrupt_found, 0u) << when;
    fixture_.stop();
    if (count_files) expect_files(files);
  }

  void expect_files(const std::set<std::string>& expected) {
    for (size_t i = 0; i < kStoreDrives; ++i) {
      const std::string blobs = "/d" + std::to_string(i) + "/blobs";
      std::set<std::string> found;
      const std::vector<std::string> folders = disk_.list(blobs).value();
      for (const std::string& folder : folders) {
        const std::vector<std::string> names = disk_.list(blobs + "/" + folder).value();
        found.insert(names.begin(), names.end());
      }
      EXPECT_EQ(found, expected) << "blob files of drive " << i;
    }
  }

  io::MemoryFileSystem disk_;
  SeededRandom random_;
  ReplicaFixture fixture_;
  std::vector<StoreClient> clients_;
  int acknowledged_ = 0;
};

TEST(StoreCrash, a_first_start_that_is_cut_anywhere_can_be_started_again) {
  log::start(log::Level::kOff, log::Format::kHuman);
  uint64_t whole = 0;
  {
    io::MemoryFileSystem disk;
    ReplicaFixture fixture(std::vector<io::FileSystem*>(kStoreDrives, &disk), kStoreDrives);
    ASSERT_TRUE(fixture.start().ok());
    whole = disk.mutations();
  }
  // The end, where the drives differ, cut by cut; the rest in strides.
  for (uint64_t cut = 0; cut <= whole; cut += cut + 20 < whole ? 7 : 1) {
    for (const io::Survival survival : {io::Survival::kNothing, io::Survival::kEverything}) {
      io::MemoryFileSystem disk;
      ReplicaFixture fixture(std::vector<io::FileSystem*>(kStoreDrives, &disk), kStoreDrives);
      disk.cut_after(cut);
      static_cast<void>(fixture.start().ok());
      fixture.stop();
      SeededRandom random(cut);
      disk.crash(random, {.survival = survival});
      const Status again = fixture.start();
      ASSERT_TRUE(again.ok()) << "cut after " << cut << " of " << whole << ": "
                              << again.error().to_string();
      ASSERT_EQ(fixture.store().status().drives_in_service(), kStoreDrives) << cut;
      ASSERT_TRUE(fixture.put("key", "value").ok());
    }
  }
  log::start(log::Level::kWarning, log::Format::kHuman);
}

TEST(StoreCrash, acknowledged_changes_survive_power_cuts_and_others_are_whole_or_absent) {
  log::start(log::Level::kOff, log::Format::kHuman);  // drives fail by the hundred here
  int acknowledged = 0;
  tests::for_seeds(kStoreSecondsInAll, [&](uint64_t seed) {
    StoreCrash crash(seed);
    crash.run(4);
    acknowledged += crash.acknowledged();
  });
  std::printf("%d changes acknowledged\n", acknowledged);
  log::start(log::Level::kWarning, log::Format::kHuman);
}

}  // namespace
}  // namespace strata::replica
