// Concurrent reads, writes, conditional writes and deletes on a few keys, on several event loops,
// while a drive is slow and then fails: every key behaves as if its operations were done one after
// another, each between its call and its answer.
#include "tests/support/linearizability.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include "common/async/when_all.h"
#include "common/base/log.h"
#include "common/base/parse.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "common/fault/faulty_file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/support/object_history.h"
#include "tests/support/seeds.h"

namespace strata::tests {
namespace {

using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

Operation op(Kind kind, uint64_t value, uint64_t called, uint64_t answered,
             Outcome outcome = Outcome::kYes, uint64_t expected = 0) {
  return Operation{kind, value, expected, outcome, called, answered};
}

TEST(Linearizability, a_read_between_two_writes_may_find_either_while_they_overlap) {
  for (const uint64_t found : {0u, 1u, 2u}) {
    EXPECT_TRUE(is_linearizable(
        {op(Kind::kWrite, 1, 1, 10), op(Kind::kWrite, 2, 2, 9), op(Kind::kRead, found, 3, 8)}));
  }
  EXPECT_FALSE(is_linearizable({op(Kind::kWrite, 1, 1, 2), op(Kind::kRead, 0, 3, 4)}));
}

TEST(Linearizability, a_value_that_was_replaced_does_not_return) {
  EXPECT_FALSE(is_linearizable({op(Kind::kWrite, 1, 1, 2), op(Kind::kWrite, 2, 3, 4),
                                op(Kind::kRead, 2, 5, 6), op(Kind::kRead, 1, 7, 8)}));
  EXPECT_FALSE(is_linearizable(
      {op(Kind::kWrite, 1, 1, 2), op(Kind::kRemove, 0, 3, 4), op(Kind::kRead, 1, 5, 6)}));
}

TEST(Linearizability, two_reads_agree_on_the_order_of_two_writes) {
  EXPECT_FALSE(is_linearizable({op(Kind::kWrite, 1, 1, 20), op(Kind::kWrite, 2, 2, 19),
                                op(Kind::kRead, 1, 3, 4), op(Kind::kRead, 2, 5, 6),
                                op(Kind::kRead, 1, 7, 8)}));
}

TEST(Linearizability, of_two_creations_one_fails) {
  EXPECT_FALSE(is_linearizable({op(Kind::kCreate, 1, 1, 5), op(Kind::kCreate, 2, 2, 6)}));
  EXPECT_TRUE(
      is_linearizable({op(Kind::kCreate, 1, 1, 5), op(Kind::kCreate, 2, 2, 6, Outcome::kNo)}));
  EXPECT_FALSE(is_linearizable({op(Kind::kCreate, 1, 1, 5, Outcome::kNo)}));
}

TEST(Linearizability, a_swap_holds_only_on_what_it_expects) {
  EXPECT_TRUE(
      is_linearizable({op(Kind::kWrite, 1, 1, 2), op(Kind::kSwap, 2, 3, 4, Outcome::kYes, 1)}));
  EXPECT_FALSE(
      is_linearizable({op(Kind::kWrite, 1, 1, 2), op(Kind::kSwap, 2, 3, 6, Outcome::kYes, 1),
                       op(Kind::kSwap, 3, 4, 5, Outcome::kYes, 1)}));
}

TEST(Linearizability, what_failed_may_have_happened_at_any_later_time_or_never) {
  const Operation failed = op(Kind::kWrite, 1, 1, 2, Outcome::kUnknown);
  EXPECT_TRUE(is_linearizable({failed, op(Kind::kRead, 0, 3, 4)}));
  EXPECT_TRUE(is_linearizable({failed, op(Kind::kRead, 0, 3, 4), op(Kind::kRead, 1, 5, 6)}));
  EXPECT_FALSE(is_linearizable({failed, op(Kind::kRead, 1, 3, 4), op(Kind::kRead, 0, 5, 6)}));
}

constexpr int kLoops = 3;
constexpr int kClientsPerLoop = 2;
constexpr int kOperationsPerClient = 45;
constexpr int kKeysAtOnce = 3;
constexpr int kOperations = kLoops * kClientsPerLoop * kOperationsPerClient;
// Each one doubles what the checker may have to look at: then a client gives up.
constexpr int kFailuresPerClient = 2;

// What the clients share. Any thread.
struct Record {
  std::atomic<uint64_t> clock{1};
  std::atomic<uint64_t> values{1};
  std::atomic<int> done{0};
  std::mutex mutex;
  std::vector<std::vector<Operation>> history{kKeysAtOnce};  // guarded by mutex
};

// Large ones every now and then: they take another way to the drives.
std::string bytes_of(uint64_t value) {
  std::string text = std::to_string(value) + ".";
  if (value % 7 == 0) text.resize(140'000, 'x');
  return text;
}

async::Task<Result<uint64_t>> read_value(object::ObjectStore& objects, std::string key) {
  object::GetRequest request;
  request.bucket = "bucket";
  request.key = key;
  auto open = co_await objects.get(std::move(request));
  if (!open.ok() && open.error().code == Code::kNotFound) co_return uint64_t{0};
  if (!open.ok()) co_return open.error();
  std::string content;
  for (;;) {
    CO_TRY_ASSIGN(const Bytes piece, co_await open->body->next());
    if (piece.empty()) break;
    content.append(as_text(piece));
  }
  const auto value = parse_u64(content.substr(0, content.find('.')));
  CHECK(value && content == bytes_of(*value), "what is read is whole");
  co_return *value;
}

async::Task<Outcome> write_value(object::ObjectStore& objects, std::string key, Operation one) {
  const std::string content = bytes_of(one.value);
  async::MemorySource body(as_bytes(content));
  object::PutRequest request;
  request.bucket = "bucket";
  request.key = key;
  if (one.kind == Kind::kCreate) request.conditions.if_none_match = "*";
  if (one.kind == Kind::kSwap) {
    const std::string expected = bytes_of(one.expected);
    request.conditions.if_match = codec::to_hex(as_bytes(digest::md5(as_bytes(expected))));
  }
  const auto done = co_await objects.put(std::move(request), body);
  if (done.ok()) co_return Outcome::kYes;
  const bool refused = done.error().code == Code::kPreconditionFailed;
  co_return refused ? Outcome::kNo : Outcome::kUnknown;
}

void count(Record& record) {
  record.done.fetch_add(1);
  record.done.notify_all();
}

async::Task<int> client(object::ObjectStore& objects, Record& record, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<uint64_t> seen(kKeysAtOnce, 1);  // what this client last found in each key
  int failed = 0;
  for (int i = 0; i < kOperationsPerClient; ++i) {
    if (failed == kFailuresPerClient) {
      count(record);
      continue;
    }
    const size_t key = random.below(kKeysAtOnce);
    const std::string name = "key" + std::to_string(key);
    Operation one;
    one.kind = static_cast<Kind>(random.below(5));
    one.called = record.clock.fetch_add(1);
    if (one.kind == Kind::kRead) {
      auto found = co_await read_value(objects, name);
      if (!found.ok()) {
        count(record);  // and says nothing
        continue;
      }
      seen[key] = one.value = *found;
    } else if (one.kind == Kind::kRemove) {
      const Status done = co_await objects.remove("bucket", name, {});
      if (!done.ok()) one.outcome = Outcome::kUnknown;
    } else {
      one.value = record.values.fetch_add(1);
      one.expected = std::max<uint64_t>(seen[key], 1);
      one.outcome = co_await write_value(objects, name, one);
    }
    one.answered = record.clock.fetch_add(1);
    failed += one.outcome == Outcome::kUnknown ? 1 : 0;
    count(record);
    const std::lock_guard lock(record.mutex);
    record.history[key].push_back(one);
  }
  co_return 0;
}

async::Task<int> clients(object::ObjectStore& objects, Record& record, uint64_t seed) {
  std::vector<async::Task<int>> tasks;
  for (int i = 0; i < kClientsPerLoop; ++i) tasks.push_back(client(objects, record, seed + i));
  (void)co_await async::when_all(std::move(tasks));
  co_return 0;
}

class LinearizableStore : public ::testing::Test {
 protected:
  void SetUp() override { log::start(log::Level::kOff, log::Format::kHuman); }
  void TearDown() override { log::start(log::Level::kWarning, log::Format::kHuman); }

  static void fail(fault::FaultyFileSystem& disk, fault::FaultRule rule) {
    fault::FaultPlan plan;
    plan.rules.push_back(std::move(rule));
    CHECK(disk.set_plan(std::move(plan)).ok());
  }

  static void wait_for_done(Record& record, int from) {
    for (int now = record.done; now < from; now = record.done) record.done.wait(now);
  }

  static void fail_in_turn(std::deque<fault::FaultyFileSystem>& faulty, Record& record,
                           size_t failing) {
    for (size_t drive = 0; drive < failing; ++drive) {
      wait_for_done(record, kOperations / 4 * static_cast<int>(drive + 1));
      fail(faulty[drive],
           {.operation = drive == 0 ? fault::Operation::kSync : fault::Operation::kWrite});
    }
  }

  // One drive goes out and is brought back while the clients go on, and then another goes for good:
  // what is read and decided after that rests on the one that joined. True if all of it came to
  // pass before the clients had ended.
  static bool come_and_go(ObjectWorld& world, std::deque<fault::FaultyFileSystem>& faulty,
                          Record& record) {
    replica::ReplicaSet& store = world.fixture.store();
    const auto serves = [&] { return store.status().drives[0].in_service; };
    wait_for_done(record, kOperations / 8);
    fail(faulty[0], {.operation = fault::Operation::kSync});
    while (serves() && record.done < kOperations) std::this_thread::yield();
    faulty[0].clear_plan();
    if (serves()) return false;
    const Status back = store.return_drive({&faulty[0], "/d0"});
    EXPECT_TRUE(back.ok()) << back.error().to_string();
    for (int steps = 0; steps < 100'000 && !serves() && !HasFailure(); ++steps) {
      const auto step = store.resync().step();
      EXPECT_TRUE(step.ok()) << step.error().to_string();
    }
    EXPECT_TRUE(serves());
    const bool in_time = record.done < kOperations;
    fail(faulty[1], {.operation = fault::Operation::kWrite});
    return in_time;
  }

  // One history, with this going on beside it.
  template <typename Trouble>
  static void run_once(uint64_t seed, Trouble trouble) {
    std::deque<io::MemoryFileSystem> memory(3);
    std::deque<fault::FaultyFileSystem> faulty;
    std::vector<io::FileSystem*> disks;
    for (io::MemoryFileSystem& disk : memory) disks.push_back(&faulty.emplace_back(disk));
    // Flushes take their time, each drive its own, so that operations meet on their way.
    for (size_t i = 0; i < 3; ++i) {
      fail(faulty[i], {.operation = fault::Operation::kSync,
                       .effect = fault::Effect::kDelay,
                       .probability = 0.4,
                       .delay = std::chrono::milliseconds(1 + i)});
    }
    ObjectWorld world(disks, 3);
    ASSERT_TRUE(world.start().ok());
    ASSERT_TRUE(world.make_bucket().ok());
    Record record;
    std::vector<std::unique_ptr<async::EventLoop>> loops;
    for (int i = 0; i < kLoops; ++i) loops.push_back(async::EventLoop::create().value());
    std::vector<std::thread> threads;
    for (int i = 0; i < kLoops; ++i) {
      threads.emplace_back([&, i] {
        CHECK(async::run_until_complete(*loops[i],
                                        clients(world.objects(), record, seed * 100 + 10 * i))
                  .ok());
      });
    }
    trouble(world, faulty, record);
    for (std::thread& thread : threads) thread.join();
    for (size_t key = 0; key < kKeysAtOnce; ++key) {
      LinearizabilityChecker checker(record.history[key]);
      EXPECT_TRUE(checker.holds() || checker.gave_up())
          << "key " << key << ", seed " << seed << ":\n"
          << to_text(record.history[key]);
      if (checker.gave_up())
        std::printf("key %zu of seed %llu: no answer in bounds\n", key,
                    static_cast<unsigned long long>(seed));
    }
    world.stop();
  }
};

TEST_F(LinearizableStore, keys_behave_as_registers_while_drives_fail) {
  uint64_t seed = test_seed();
  const uint64_t histories = number_from("STRATA_TEST_HISTORIES", 12);
  std::printf("%llu histories from STRATA_TEST_SEED=%llu\n",
              static_cast<unsigned long long>(histories), static_cast<unsigned long long>(seed));
  for (uint64_t i = 0; i < histories && !HasFailure(); ++i, ++seed) {
    run_once(seed, [i](ObjectWorld&, auto& faulty, Record& record) {
      fail_in_turn(faulty, record, i % 3);
    });
  }
}

TEST_F(LinearizableStore, keys_behave_as_registers_while_a_drive_comes_back_and_another_goes) {
  uint64_t seed = test_seed() + 1'000;
  const uint64_t histories = number_from("STRATA_TEST_HISTORIES", 12);
  uint64_t in_time = 0;
  for (uint64_t i = 0; i < histories && !HasFailure(); ++i, ++seed) {
    run_once(seed, [&in_time](ObjectWorld& world, auto& faulty, Record& record) {
      in_time += come_and_go(world, faulty, record) ? 1 : 0;
    });
  }
  std::printf("in %llu of %llu histories the drive was back before the clients had ended\n",
              static_cast<unsigned long long>(in_time), static_cast<unsigned long long>(histories));
  EXPECT_GT(in_time, 0u);
}

}  // namespace
}  // namespace strata::tests
