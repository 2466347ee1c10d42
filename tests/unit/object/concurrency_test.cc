// Many tasks on several event loops at the same keys, uploads and buckets.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "common/async/gate.h"
#include "tests/support/object_fixture.h"

namespace strata::object {
namespace {

using testing::read_all;

constexpr int kLoops = 3;
constexpr int kTasksPerLoop = 4;

class Concurrency : public testing::ObjectFixture {
 protected:
  Concurrency() { store.give_way = true; }

  // Runs one task per number, 0 to kLoops * kTasksPerLoop - 1, spread over the loops.
  void run_everywhere(const std::function<async::Task<void>(int)>& task) {
    // The loops outlive all threads: a task may still be posting to another's loop.
    std::vector<std::unique_ptr<async::EventLoop>> loops;
    for (int i = 0; i < kLoops; ++i) loops.push_back(async::EventLoop::create().value());
    std::vector<std::thread> threads;
    for (int i = 0; i < kLoops; ++i) {
      threads.emplace_back(
          [&, i] { CHECK(async::run_until_complete(*loops[i], run_some(task, i)).ok()); });
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  static async::Task<void> run_some(const std::function<async::Task<void>(int)>& task, int loop) {
    async::Gate tasks;
    for (int i = 0; i < kTasksPerLoop; ++i) spawn(tasks, task(loop * kTasksPerLoop + i));
    tasks.close();
    co_await tasks.empty();
  }
};

PutRequest put_request(std::string key) {
  PutRequest request;
  request.bucket = "bucket";
  request.key = std::move(key);
  return request;
}

async::Task<void> create_once(ObjectStore& objects, std::atomic<int>& created, int number) {
  const std::string bytes = std::to_string(number);
  async::MemorySource body(as_bytes(bytes));
  PutRequest request = put_request("k");
  request.conditions.if_none_match = "*";
  const Result<ObjectInfo> done = co_await objects.put(std::move(request), body);
  if (done.ok()) {
    ++created;
  } else {
    CHECK(done.error().code == Code::kPreconditionFailed);
  }
}

TEST_F(Concurrency, only_one_of_many_creates_the_key) {
  std::atomic<int> created{0};
  run_everywhere([&](int number) { return create_once(objects, created, number); });
  EXPECT_EQ(created, 1);
  EXPECT_EQ(store.all_blobs(), 1u);
}

// Reads the counter, adds one, puts it back if nobody else did meanwhile.
async::Task<void> add_one(ObjectStore& objects, int times) {
  while (times > 0) {
    GetRequest get;
    get.bucket = "bucket";
    get.key = "counter";
    Result<OpenObject> open = co_await objects.get(std::move(get));
    CHECK(open.ok());
    const Result<std::string> read = co_await read_all(*open->body);
    CHECK(read.ok());
    const std::string next = std::to_string(std::stoi(*read) + 1);
    async::MemorySource body(as_bytes(next));
    PutRequest request = put_request("counter");
    request.conditions.if_match = open->info.etag;
    const Result<ObjectInfo> done = co_await objects.put(std::move(request), body);
    if (done.ok()) {
      --times;
    } else {
      CHECK(done.error().code == Code::kPreconditionFailed);
    }
  }
}

TEST_F(Concurrency, no_conditional_update_is_lost) {
  ASSERT_TRUE(put("counter", "0").ok());
  constexpr int kTimes = 10;
  run_everywhere([&](int) { return add_one(objects, kTimes); });
  EXPECT_EQ(read("counter").value(), std::to_string(kLoops * kTasksPerLoop * kTimes));
  EXPECT_EQ(store.all_blobs(), 1u);
}

// Puts, reads and removes one key; whatever is read is whole.
async::Task<void> churn(ObjectStore& objects, int number) {
  const std::string bytes(200 + number, static_cast<char>('a' + number));
  for (int i = 0; i < 30; ++i) {
    async::MemorySource body(as_bytes(bytes), 64);
    const Result<ObjectInfo> done = co_await objects.put(put_request("k"), body);
    CHECK(done.ok());
    GetRequest get;
    get.bucket = "bucket";
    get.key = "k";
    Result<OpenObject> open = co_await objects.get(std::move(get));
    if (open.ok()) {
      const Result<std::string> read = co_await read_all(*open->body);
      CHECK(read.ok(), read.ok() ? "" : read.error().message);
      CHECK(read->size() == open->info.size_bytes);
      CHECK(read->find_first_not_of(read->front()) == std::string::npos);
    } else {
      CHECK(open.error().reason == reason::kNoSuchKey);
    }
    if (i % 5 == number % 5) {
      const Status removed = co_await objects.remove("bucket", "k", {});
      CHECK(removed.ok());
    }
  }
}

TEST_F(Concurrency, readers_see_whole_versions_and_nothing_leaks) {
  store.piece_bytes = 50;
  run_everywhere([&](int number) { return churn(objects, number); });
  ASSERT_TRUE(run(objects.remove("bucket", "k", {})).ok());
  EXPECT_EQ(store.all_blobs(), 0u);
  EXPECT_EQ(store.live_pins(), 0u);
}

// What the tasks of one upload do to each other.
struct Race {
  UploadInfo upload;
  std::string etag;
  std::atomic<int> completed{0};
  std::atomic<int> aborted{0};
};

async::Task<void> race_on_upload(ObjectStore& objects, Race& race, int number) {
  if (number % 3 == 0) {
    CompleteRequest request;
    request.bucket = "bucket";
    request.key = "k";
    request.upload_id = race.upload.upload_id;
    request.parts.push_back({1, race.etag, {}});
    const Result<ObjectInfo> done = co_await objects.complete_upload(std::move(request));
    if (done.ok()) ++race.completed;
    CHECK(done.ok() || done.error().reason == reason::kNoSuchUpload);
  } else if (number % 3 == 1) {
    const Status done = co_await objects.abort_upload("bucket", "k", race.upload.upload_id);
    if (done.ok()) ++race.aborted;
    CHECK(done.ok() || done.error().reason == reason::kNoSuchUpload);
  } else {
    async::MemorySource body(as_bytes("part"));
    UploadPartRequest request;
    request.bucket = "bucket";
    request.key = "k";
    request.upload_id = race.upload.upload_id;
    request.part_number = static_cast<uint32_t>(1 + number % 2);
    const Result<PartInfo> done = co_await objects.upload_part(std::move(request), body);
    CHECK(done.ok() || done.error().reason == reason::kNoSuchUpload);
  }
}

TEST_F(Concurrency, an_upload_ends_once) {
  for (int round = 0; round < 20; ++round) {
    Race race;
    race.upload = begin("k").value();
    race.etag = part(race.upload, 1, "part").value().etag;
    run_everywhere([&](int number) { return race_on_upload(objects, race, number); });
    // A repeated completion may succeed too, but not beside an abort.
    EXPECT_EQ(race.aborted + (race.completed > 0 ? 1 : 0), 1);
    EXPECT_EQ(read("k").ok(), race.completed > 0);
    ASSERT_TRUE(run(objects.remove("bucket", "k", {})).ok());
    EXPECT_EQ(store.all_blobs(), 0u);
    EXPECT_EQ(store.rows(), 1u);
  }
}

async::Task<void> race_on_bucket(ObjectStore& objects, int number) {
  for (int i = 0; i < 20; ++i) {
    if (number % 4 == 0) {
      const Status deleted = co_await objects.delete_bucket("contested");
      CHECK(deleted.ok() || deleted.error().reason == reason::kBucketNotEmpty ||
            deleted.error().reason == reason::kNoSuchBucket);
    } else if (number % 4 == 1) {
      CreateBucketRequest create;
      create.name = "contested";
      const Status created = co_await objects.create_bucket(std::move(create));
      CHECK(created.ok() || created.error().reason == reason::kBucketExists);
    } else {
      async::MemorySource body(as_bytes("x"));
      PutRequest request = put_request("k" + std::to_string(number));
      request.bucket = "contested";
      const std::string key = request.key;
      const Result<ObjectInfo> done = co_await objects.put(std::move(request), body);
      CHECK(done.ok() || done.error().reason == reason::kNoSuchBucket);
      if (!done.ok()) continue;
      const Result<BucketInfo> bucket = co_await objects.bucket("contested");
      CHECK(bucket.ok(), "a bucket with an acknowledged object in it was deleted");
      const Status removed = co_await objects.remove("contested", key, {});
      CHECK(removed.ok());
    }
  }
}

TEST_F(Concurrency, no_bucket_is_deleted_from_under_an_object) {
  run_everywhere([&](int number) { return race_on_bucket(objects, number); });
  EXPECT_EQ(store.all_blobs(), 0u);
}

// Lets the other tasks of the loop go on first.
struct Turn {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const {
    async::EventLoop::current().post(waiter);
  }
  void await_resume() const noexcept {}
};

struct Both {
  Status deleted;
  std::optional<Result<ObjectInfo>> put;
};

async::Task<void> delete_into(ObjectStore& objects, Both& both, int turns) {
  for (; turns > 0; --turns) co_await Turn{};
  both.deleted = co_await objects.delete_bucket("bucket");
}

async::Task<void> put_into(ObjectStore& objects, Both& both) {
  async::MemorySource body(as_bytes("x"));
  both.put.emplace(co_await objects.put(put_request("k"), body));
}

async::Task<void> do_both(ObjectStore& objects, Both& both, int turns) {
  async::Gate tasks;
  spawn(tasks, put_into(objects, both));
  spawn(tasks, delete_into(objects, both, turns));
  tasks.close();
  co_await tasks.empty();
}

TEST_F(Concurrency, deleting_a_bucket_beside_a_put_fails_one_of_them_at_every_interleaving) {
  for (int turns = 0; turns < 12; ++turns) {
    Both both;
    run(do_both(objects, both, turns));
    EXPECT_NE(both.deleted.ok(), both.put->ok()) << turns;
    if (both.put->ok()) {
      EXPECT_EQ(both.deleted.error().reason, reason::kBucketNotEmpty);
      ASSERT_TRUE(run(objects.remove("bucket", "k", {})).ok());
    } else {
      EXPECT_EQ(both.put->error().reason, reason::kNoSuchBucket);
      ASSERT_TRUE(run(objects.create_bucket({.name = "bucket", .region = "x"})).ok());
    }
    EXPECT_EQ(store.all_blobs(), 0u);
  }
}

}  // namespace
}  // namespace strata::object
