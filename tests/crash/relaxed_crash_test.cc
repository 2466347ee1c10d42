// Power cuts under a ReplicaSet with relaxed durability, and the same lives with strict for
// comparison: concurrent clients, the power goes at a random point, random parts of what was not
// flushed survive, and the store starts again, sometimes without one of its drives.
//
// Checked after each start: what is left is a prefix of the order of changes, of each client's, and
// where every drive has everything of all clients' together, and every change of it is whole (rows,
// blobs, bytes); with strict it has everything that was acknowledged, with relaxed at least what
// had been flushed; nothing is found corrupt; what was found stays, whichever drive is away or
// back.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "common/base/log.h"
#include "common/io/memory_file_system.h"
#include "objstore/replica/inspector.h"
#include "tests/crash/concurrent_clients.h"
#include "tests/support/replica_fixture.h"
#include "tests/support/seeds.h"

namespace strata::replica {
namespace {

using drive::Durability;
using tests::random_text;
using tests::ReplicaFixture;

constexpr size_t kWriters = 4;
constexpr uint32_t kRelaxedCopies = 3;
constexpr uint64_t kRelaxedSeconds = 4;
// Small, so that the indexes begin new logs and tables in a short life.
constexpr uint64_t kRelaxedDiskBytes = 128 * kMiB;

// What a writer's rows and blob were made by one commit.
struct Version {
  uint64_t sequence = 0;
  std::string tag;  // no other version's; what the row "stamp" begins with; empty: there is none
  bool has_row = false;  // the row "a" is there, and is the tag
  std::optional<BlobRef> blob;
  uint64_t blob_seed = 0;
};

struct Writer {
  size_t number = 0;
  std::vector<Version> acknowledged = {Version()};  // since the last one that must be there
  std::optional<Version> in_doubt;
  [[nodiscard]] std::string placement() const { return "writer" + std::to_string(number); }
  [[nodiscard]] std::string key(const char* name) const { return placement() + "/" + name; }
};

async::Task<Status> commit_version(Store& store, Writer& writer, RandomSource& random) {
  Mutation mutation;
  mutation.placement = writer.placement();
  const Version& last = writer.acknowledged.back();
  Version next = last;
  const uint64_t what = random.below(12);
  next.tag = "t" + std::to_string(random.next_u64());
  next.has_row = what > 1;
  mutation.puts.push_back({writer.key("stamp"), next.tag + std::string(random.below(900), '.')});
  if (next.has_row) {
    mutation.puts.push_back({writer.key("a"), next.tag});
  } else {
    mutation.deletes = {writer.key("a")};
  }
  if (what > 4) {
    if (last.blob) mutation.drops.push_back(*last.blob);
    next.blob_seed = random.next_u64();
    const size_t bytes = what == 11 ? 150'000 : 1 + random.below(20'000);
    CO_TRY_ASSIGN(const BlobRef ref, co_await add_blob(store, mutation, next.blob_seed, bytes));
    next.blob = ref;
    mutation.puts.push_back({writer.key("blob"), ref.id.to_hex()});
  }
  writer.in_doubt = next;
  const Result<Sequence> committed = co_await store.commit(std::move(mutation));
  if (!committed.ok()) co_return committed.error();
  next.sequence = committed->value();
  writer.acknowledged.push_back(next);
  writer.in_doubt.reset();
  co_return Status();
}

class RelaxedCrash {
 public:
  RelaxedCrash(uint64_t seed, Durability durability, size_t drives)
      : disk_({.capacity_bytes = kRelaxedDiskBytes}),
        drives_(drives),
        random_(seed),
        fixture_(std::vector<io::FileSystem*>(drives, &disk_), kRelaxedCopies, seed) {
    fixture_.durability = durability;
    writers_.resize(kWriters);
    for (size_t i = 0; i < kWriters; ++i) writers_[i].number = i;
  }

  void run(int cuts) {
    for (int cut = 0; cut < cuts && !::testing::Test::HasFailure(); ++cut) {
      fixture_.disks().assign(drives_, &disk_);
      const Status started = fixture_.start();
      ASSERT_TRUE(started.ok()) << started.error().to_string();
      live();
      fixture_.stop();
      disk_.crash(random_, {.survival = static_cast<io::Survival>(random_.below(3)),
                            .sector_bytes = random_.below(2) == 0 ? 512u : 4096u});
      // The first start after the cut decides what is left; it may have to do without a drive.
      if (random_.below(2) == 0) {
        const size_t away = random_.below(drives_);
        check("first without drive " + std::to_string(away), away);
      }
      check("all drives", std::nullopt);
      for (size_t away = 0; away < drives_; ++away) {
        check("without drive " + std::to_string(away), away);
      }
    }
  }
  [[nodiscard]] uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] uint64_t lost() const { return lost_; }

 private:
  [[nodiscard]] bool is_strict() const { return fixture_.durability == Durability::kStrict; }

  void live() {
    acknowledged_ += run_some(static_cast<int>(random_.below(30)));
    if (random_.below(2) == 0) flush();
    disk_.cut_after(random_.below(400));
    acknowledged_ += run_some(60);
  }
  uint64_t run_some(int commits) {
    return static_cast<uint64_t>(fixture_.run(
        run_clients(fixture_.store(), writers_, commit_version, random_.next_u64(), commits)));
  }

  // The file of a blob that is dropped goes only when the drop is flushed on the drives that had
  // it, and all before it: when that has been so on each of them, what has been acknowledged must
  // survive.
  void flush() {
    constexpr int kPlacementsMax = 32;
    for (int i = 0; i < kPlacementsMax && !is_flushed(); ++i) {
      const std::string key = "flushed" + std::to_string(i);
      const BlobRef ref = fixture_.put_blob(key, random_text(1, 140'000)).value();
      ASSERT_TRUE(fixture_.drop_blob(key, ref).ok());
      fixture_.store().settle();
    }
    ASSERT_TRUE(is_flushed());
    for (Writer& writer : writers_) writer.acknowledged = {writer.acknowledged.back()};
  }
  bool is_flushed() {
    return std::ranges::all_of(writers_, [this](const Writer& writer) {
      const auto copies =
          fixture_.store().inspector().row(writer.placement(), writer.key("stamp")).value();
      return std::ranges::all_of(copies, [](const CopyReport& copy) {
        return copy.flushed || copy.state != CopyReport::State::kGood;
      });
    });
  }

  std::optional<std::string> value_of(const std::string& placement, const std::string& key) {
    const auto row = fixture_.run(fixture_.store().get(placement, key));
    EXPECT_TRUE(row.ok()) << row.error().to_string();
    if (!row.ok() || !*row) return std::nullopt;
    return (*row)->value;
  }

  static bool fits(const Version& version, const std::optional<std::string>& stamp) {
    return stamp.value_or("").substr(0, stamp.value_or("").find('.')) == version.tag;
  }

  // The version that is there, whole; null, with a failure, when there is none.
  std::optional<Version> found_version(const Writer& writer) {
    const auto stamp = value_of(writer.placement(), writer.key("stamp"));
    std::optional<Version> found;
    for (const Version& version : writer.acknowledged) {
      if (fits(version, stamp)) found = version;
    }
    if (!found && writer.in_doubt && fits(*writer.in_doubt, stamp)) found = writer.in_doubt;
    if (!found) {
      ADD_FAILURE() << "writer " << writer.number << " has no state that it ever was in, or one "
                    << "from before what must be there";
      return found;
    }
    const auto row = value_of(writer.placement(), writer.key("a"));
    EXPECT_EQ(row.value_or(""), found->has_row ? found->tag : "") << "half a commit";
    const auto blob = value_of(writer.placement(), writer.key("blob"));
    EXPECT_EQ(blob.value_or(""), found->blob ? found->blob->id.to_hex() : "") << "half a commit";
    if (!found->blob) return found;
    const BlobRef& ref = *found->blob;
    const auto content = fixture_.run(read_whole_blob(fixture_.store(), writer.placement(), ref));
    EXPECT_TRUE(content.ok()) << content.error().to_string();
    if (!content.ok()) return found;
    EXPECT_TRUE(*content == random_text(found->blob_seed, ref.size_bytes))
        << "other bytes than were written";
    return found;
  }
  void check(const std::string& when, std::optional<size_t> away) {
    SCOPED_TRACE(when);
    fixture_.disks().assign(drives_, &disk_);
    if (away) fixture_.disks()[*away] = nullptr;
    const Status started = fixture_.start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    ASSERT_TRUE(fixture_.resync().ok());
    std::vector<Version> found;
    uint64_t last = 0;
    for (const Writer& writer : writers_) {
      const auto version = found_version(writer);
      if (!version) break;
      found.push_back(*version);
      last = std::max(last, version->sequence);
    }
    EXPECT_EQ(fixture_.store().status().corrupt_found, 0u);
    fixture_.stop();
    for (size_t i = 0; i < found.size(); ++i) keep(writers_[i], found[i], last);
  }

  // All that was acknowledged up to the last change that is there must be there too.
  void keep(Writer& writer, const Version& found, uint64_t last) {
    // Its sequence is not known: it is that of the one before.
    const bool newest = writer.in_doubt && found.tag == writer.in_doubt->tag;
    for (const Version& version : writer.acknowledged) {
      if (newest || version.sequence <= found.sequence) continue;
      ++lost_;
      EXPECT_FALSE(is_strict()) << "writer " << writer.number << " lost what was acknowledged";
      if (drives_ > kRelaxedCopies) continue;
      EXPECT_GT(version.sequence, last) << "a change is missing in front of one that is there";
    }
    writer.acknowledged = {found};
    writer.in_doubt.reset();
  }

  io::MemoryFileSystem disk_;
  const size_t drives_;
  SeededRandom random_;
  ReplicaFixture fixture_;
  std::vector<Writer> writers_;
  uint64_t acknowledged_ = 0;
  uint64_t lost_ = 0;
};

struct Kind {
  const char* name;
  Durability durability;
  size_t drives;
};

class CrashOf : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { log::start(log::Level::kOff, log::Format::kHuman); }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }
};

TEST_P(CrashOf, leaves_a_prefix_of_the_changes_whole_and_strict_loses_nothing_acknowledged) {
  uint64_t acknowledged = 0;
  uint64_t lost = 0;
  const int runs = tests::for_seeds(kRelaxedSeconds, [&](uint64_t seed) {
    RelaxedCrash crash(seed, GetParam().durability, GetParam().drives);
    crash.run(3);
    acknowledged += crash.acknowledged();
    lost += crash.lost();
  });
  std::printf("%llu changes acknowledged, %llu of them lost\n",
              static_cast<unsigned long long>(acknowledged), static_cast<unsigned long long>(lost));
  // Else it would not be what it says, and this test would show nothing.
  if (GetParam().durability == Durability::kRelaxed && runs > 3) {
    EXPECT_GT(lost, 0u);
  }
}
INSTANTIATE_TEST_SUITE_P(ReplicaSet, CrashOf,
                         ::testing::Values(Kind{"strict_drives", Durability::kStrict, 3},
                                           Kind{"relaxed_drives", Durability::kRelaxed, 3},
                                           Kind{"four_relaxed_drives", Durability::kRelaxed, 4}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace strata::replica
