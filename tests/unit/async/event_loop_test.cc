// The loop's own promises: order, stops, timers, and the moment at which a task's frame goes.
#include "common/async/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/async/blocking_pool.h"
#include "common/async/gate.h"
#include "common/async/key_mutex.h"
#include "common/async/socket.h"
#include "common/async/when_all.h"
#include "common/base/result.h"
#include "tests/support/temp_folder.h"

namespace strata::async {
namespace {

TEST(EventLoop, runs_what_was_posted_before_a_stop) {
  auto loop = EventLoop::create().value();
  std::string order;
  loop->post([&] {
    order += 'a';
    loop->post([&] { order += 'b'; });
    loop->stop();
  });
  ASSERT_TRUE(loop->run().ok());
  EXPECT_EQ(order, "ab");
}

TEST(EventLoop, keeps_the_order_of_posts) {
  auto loop = EventLoop::create().value();
  std::vector<int> seen;
  for (int i = 0; i < 100; ++i) loop->post([&seen, i] { seen.push_back(i); });
  loop->post([&] { loop->stop(); });
  ASSERT_TRUE(loop->run().ok());
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(EventLoop, a_loop_that_posts_to_itself_still_hears_others) {
  auto loop = EventLoop::create().value();
  bool told = false;
  std::function<void()> again = [&] {
    if (told) {
      loop->stop();
    } else {
      loop->post(again);
    }
  };
  loop->post(again);
  std::thread other([&] { loop->post([&] { told = true; }); });
  ASSERT_TRUE(loop->run().ok());
  other.join();
}

TEST(EventLoop, posts_from_many_threads_all_run) {
  auto loop = EventLoop::create().value();
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  int ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i) {
        loop->post([&] {
          if (++ran == kThreads * kPosts) loop->stop();
        });
      }
    });
  }
  ASSERT_TRUE(loop->run().ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kPosts);
}

// What a thread posts may let the loop's owner end it before that thread has left post: seen by the
// sanitizers, now and then by a crash.
TEST(EventLoop, its_end_waits_for_whoever_is_inside_post) {
  for (int round = 0; round < 500; ++round) {
    auto loop = EventLoop::create().value();
    EventLoop* const posted_to = loop.get();
    std::thread other([posted_to] { posted_to->post([posted_to] { posted_to->stop(); }); });
    ASSERT_TRUE(loop->run().ok());
    loop.reset();
    other.join();
  }
}

Task<void> sleep_and_note(std::string& order, char name, SteadyTime when) {
  co_await sleep_until(Deadline::at(when));
  order += name;
}

Task<void> three_sleepers(std::string& order) {
  const SteadyTime now = std::chrono::steady_clock::now();
  Gate gate;
  spawn(gate, sleep_and_note(order, 'c', now + std::chrono::milliseconds(6)));
  spawn(gate, sleep_and_note(order, 'a', now - std::chrono::hours(1)));
  spawn(gate, sleep_and_note(order, 'b', now + std::chrono::milliseconds(3)));
  gate.close();
  co_await gate.empty();
}

TEST(EventLoop, timers_expire_in_order_of_their_times) {
  auto loop = EventLoop::create().value();
  std::string order;
  ASSERT_TRUE(run_until_complete(*loop, three_sleepers(order)).ok());
  EXPECT_EQ(order, "abc");
}

Task<void> sleep_in_the_past(const bool& told) {
  while (!told) co_await sleep_until(Deadline::at(SteadyTime{}));
}

TEST(EventLoop, a_timer_that_is_always_late_does_not_starve_the_loop) {
  auto loop = EventLoop::create().value();
  bool told = false;
  std::thread other([&] { loop->post([&] { told = true; }); });
  ASSERT_TRUE(run_until_complete(*loop, sleep_in_the_past(told)).ok());
  other.join();
}

// Notes its own end, as a guard or a socket that was given to a task would.
class Farewell {
 public:
  Farewell(std::string& order, char name) : order_(&order), name_(name) {}
  Farewell(Farewell&& other) noexcept : order_(std::exchange(other.order_, nullptr)) {
    name_ = other.name_;
  }
  Farewell& operator=(Farewell&&) = delete;
  ~Farewell() {
    if (order_ != nullptr) *order_ += name_;
  }

 private:
  std::string* order_;
  char name_ = 0;
};

Task<void> carry(Farewell farewell, BlockingPool& pool) {
  auto job = [] { return 0; };
  const int ignored = co_await pool.run(std::move(job));
  static_cast<void>(ignored);
  static_cast<void>(farewell);
}

Task<void> spawn_and_wait(std::string& order, BlockingPool& pool) {
  Gate gate;
  Farewell farewell(order, 'p');
  spawn(gate, carry(std::move(farewell), pool));
  gate.close();
  co_await gate.empty();
  order += '|';
}

TEST(Gate, is_empty_only_when_what_a_task_carried_is_gone) {
  auto loop = EventLoop::create().value();
  BlockingPool pool("test", 1);
  std::string order;
  ASSERT_TRUE(run_until_complete(*loop, spawn_and_wait(order, pool)).ok());
  EXPECT_EQ(order, "p|");
}

Task<Status> carry_with_status(Farewell farewell, BlockingPool& pool) {
  co_await carry(std::move(farewell), pool);
  co_return Status();
}

Task<void> gather_and_note(std::string& order, BlockingPool& pool) {
  std::vector<Task<Status>> tasks;
  for (int i = 0; i < 3; ++i) {
    Farewell farewell(order, 'p');
    tasks.push_back(carry_with_status(std::move(farewell), pool));
  }
  std::vector<Status> statuses = co_await when_all(std::move(tasks));
  CHECK(statuses.size() == 3);
  order += '|';
}

TEST(WhenAll, goes_on_only_when_what_the_tasks_carried_is_gone) {
  auto loop = EventLoop::create().value();
  BlockingPool pool("test", 2);
  std::string order;
  ASSERT_TRUE(run_until_complete(*loop, gather_and_note(order, pool)).ok());
  EXPECT_EQ(order, "ppp|");
}

Task<Result<std::string>> text_or_error(BlockingPool& pool, int i) {
  auto job = [i]() -> Result<std::string> {
    if (i % 3 == 0) return Error(Code::kIo, "a message long enough to be on the heap");
    return "a value long enough to be on the heap, number " + std::to_string(i);
  };
  Result<std::string> result = co_await pool.run(std::move(job));
  co_return std::move(result);
}

Task<Result<size_t>> count_texts(BlockingPool& pool) {
  std::vector<Task<Result<std::string>>> tasks;
  for (int i = 0; i < 30; ++i) tasks.push_back(text_or_error(pool, i));
  std::vector<Result<std::string>> results = co_await when_all(std::move(tasks));
  size_t good = 0;
  for (const Result<std::string>& result : results) good += result.ok() ? 1 : 0;
  CO_TRY_ASSIGN(const std::string one, co_await text_or_error(pool, 1));
  CHECK(one.ends_with("number 1"));
  CO_TRY(co_await text_or_error(pool, 3));
  co_return good;
}

TEST(WhenAll, hands_on_values_and_errors) {
  auto loop = EventLoop::create().value();
  BlockingPool pool("test", 2);
  Result<size_t> counted = run_until_complete(*loop, count_texts(pool)).value();
  EXPECT_EQ(counted.error().code, Code::kIo);
}

TEST(WhenAll, of_nothing_is_there_at_once) {
  auto loop = EventLoop::create().value();
  const std::vector<int> values =
      run_until_complete(*loop, when_all(std::vector<Task<int>>())).value();
  EXPECT_TRUE(values.empty());
}

Task<void> add_under_lock(KeyMutex& mutex, BlockingPool& pool, uint64_t& shared) {
  for (int i = 0; i < 100; ++i) {
    KeyMutex::Guard guard = co_await mutex.lock("one name");
    const uint64_t before = shared;  // a race is a lost addition, and a report of ThreadSanitizer
    if (i % 10 == 0) {
      auto job = [] { return 0; };
      const int ignored = co_await pool.run(std::move(job));
      static_cast<void>(ignored);
    }
    shared = before + 1;
  }
}

Task<void> five_adders(KeyMutex& mutex, BlockingPool& pool, uint64_t& shared) {
  Gate gate;
  for (int i = 0; i < 5; ++i) spawn(gate, add_under_lock(mutex, pool, shared));
  gate.close();
  co_await gate.empty();
}

TEST(KeyMutex, excludes_tasks_of_several_loops) {
  KeyMutex mutex;
  uint64_t shared = 0;
  constexpr size_t kLoops = 3;
  std::vector<std::unique_ptr<EventLoop>> loops;
  for (size_t i = 0; i < kLoops; ++i) loops.push_back(EventLoop::create().value());
  BlockingPool pool("test", 2);
  std::vector<std::thread> threads;
  for (auto& loop : loops) {
    threads.emplace_back([&mutex, &shared, &pool, &loop] {
      CHECK(run_until_complete(*loop, five_adders(mutex, pool, shared)).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared, kLoops * 500);
}

TEST(Listener, takes_numbers_and_localhost_and_asks_no_name_server) {
  EXPECT_GT(Listener::tcp({"127.0.0.1", 0})->port(), 0);
  EXPECT_GT(Listener::tcp({"localhost", 0})->port(), 0);
  EXPECT_EQ(Listener::tcp({"127.example.com", 0}).error().code, Code::kInvalidArgument);
}

TEST(Listener, leaves_a_socket_to_somebody_who_takes_nobody) {
  const strata::testing::TempFolder folder;
  const std::string path = folder / "held.sock";
  const UniqueFd holder(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(bind(holder.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(holder.get(), 0), 0);
  // It is asked more often than its queue holds callers.
  EXPECT_EQ(Listener::unix_socket(path, 0600).error().code, Code::kConflict);
}

Task<Code> receive_after_shutdown(Socket& ours, Socket& theirs) {
  theirs.shutdown();
  std::byte buffer[8];
  Result<size_t> end = co_await ours.receive(buffer, Deadline::after(std::chrono::seconds(5)));
  CHECK(end.ok() && *end == 0);
  const Status sent = co_await ours.send_all(as_bytes("x"), {}, Deadline::never());
  co_return sent.error().code;
}

TEST(Socket, tells_when_the_peer_is_gone) {
  auto loop = EventLoop::create().value();
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  Socket ours{UniqueFd(fds[0])};
  Socket theirs{UniqueFd(fds[1])};
  EXPECT_EQ(run_until_complete(*loop, receive_after_shutdown(ours, theirs)).value(), Code::kClosed);
}

Task<Code> send_to_nobody(Socket& ours, const std::string& text) {
  const Deadline soon = Deadline::after(std::chrono::milliseconds(10));
  const Status sent = co_await ours.send_all(as_bytes(text), {}, soon);
  co_return sent.error().code;
}

TEST(Socket, a_send_to_a_peer_that_does_not_read_ends_at_its_deadline) {
  auto loop = EventLoop::create().value();
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  Socket ours{UniqueFd(fds[0])};
  const UniqueFd theirs(fds[1]);
  const std::string text(32 * kMiB, 'x');
  EXPECT_EQ(run_until_complete(*loop, send_to_nobody(ours, text)).value(), Code::kTimeout);
}

}  // namespace
}  // namespace strata::async
