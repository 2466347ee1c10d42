#include "common/async/task.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <thread>

#include "common/async/blocking_pool.h"
#include "common/async/byte_source.h"
#include "common/async/completion.h"
#include "common/async/event_loop.h"
#include "common/async/gate.h"
#include "common/async/key_mutex.h"
#include "common/async/socket.h"
#include "common/async/when_all.h"

namespace strata::async {
namespace {

Task<int> immediate(int value) {
  co_return value;
}

Task<int> sum_of_many(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await immediate(1);
  co_return sum;
}

TEST(Task, a_loop_over_ready_tasks_runs_in_constant_stack) {
  auto loop = EventLoop::create().value();
  EXPECT_EQ(run_until_complete(*loop, sum_of_many(1'000'000)).value(), 1'000'000);
}

Task<int> on_pool(BlockingPool& pool, int value) {
  auto job = [value] { return value * 2; };
  const int doubled = co_await pool.run(std::move(job));
  co_return doubled;
}

Task<int> fan_out(BlockingPool& pool) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(on_pool(pool, i));
  tasks.push_back(immediate(1000));
  std::vector<int> values = co_await when_all(std::move(tasks));
  int sum = 0;
  for (const int value : values) sum += value;
  co_return sum;
}

TEST(Task, when_all_gathers_tasks_that_wait_and_tasks_that_do_not) {
  auto loop = EventLoop::create().value();
  BlockingPool pool("test", 3);
  EXPECT_EQ(run_until_complete(*loop, fan_out(pool)).value(), 90 + 1000);
}

Task<int> await_other_thread(std::thread& thread) {
  Completion<int> completion;
  thread = std::thread([&completion] { completion.set(7); });
  const int value = co_await completion;
  co_return value;
}

TEST(Completion, hands_a_value_from_another_thread) {
  for (int round = 0; round < 200; ++round) {
    auto loop = EventLoop::create().value();
    std::thread thread;
    EXPECT_EQ(run_until_complete(*loop, await_other_thread(thread)).value(), 7);
    thread.join();
  }
}

Task<void> hold_and_count(KeyMutex& mutex, BlockingPool& pool, int& inside, int& most, Gate& gate) {
  for (int i = 0; i < 20; ++i) {
    KeyMutex::Guard guard = co_await mutex.lock("name");
    most = std::max(most, ++inside);
    const int ignored = co_await on_pool(pool, i);
    static_cast<void>(ignored);
    --inside;
  }
  static_cast<void>(gate);
}

Task<void> contend(KeyMutex& mutex, BlockingPool& pool, int& most) {
  Gate gate;
  int inside = 0;
  for (int i = 0; i < 5; ++i) spawn(gate, hold_and_count(mutex, pool, inside, most, gate));
  gate.close();
  co_await gate.empty();
}

TEST(KeyMutex, lets_one_task_in_at_a_time) {
  auto loop = EventLoop::create().value();
  BlockingPool pool("test", 3);
  KeyMutex mutex;
  int most = 0;
  ASSERT_TRUE(run_until_complete(*loop, contend(mutex, pool, most)).ok());
  EXPECT_EQ(most, 1);
}

struct Pair {
  Socket a;
  Socket b;
};
Pair socket_pair() {
  int fds[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {Socket(UniqueFd(fds[0])), Socket(UniqueFd(fds[1]))};
}

Task<std::string> echo(Pair& pair) {
  const Status sent = co_await pair.a.send_all(as_bytes("hello "), as_bytes("world"),
                                               Deadline::after(std::chrono::seconds(5)));
  CHECK(sent.ok());
  std::byte buffer[64];
  Result<size_t> got = co_await pair.b.receive(buffer, Deadline::after(std::chrono::seconds(5)));
  CHECK(got.ok());
  co_return to_string(Bytes(buffer, *got));
}

TEST(Socket, sends_two_pieces_in_one_call) {
  auto loop = EventLoop::create().value();
  Pair pair = socket_pair();
  EXPECT_EQ(run_until_complete(*loop, echo(pair)).value(), "hello world");
}

Task<Code> receive_nothing(Pair& pair) {
  std::byte buffer[64];
  Result<size_t> got =
      co_await pair.b.receive(buffer, Deadline::after(std::chrono::milliseconds(10)));
  co_return got.ok() ? Code::kInternal : got.error().code;
}

TEST(Socket, a_receive_ends_at_its_deadline) {
  auto loop = EventLoop::create().value();
  Pair pair = socket_pair();
  EXPECT_EQ(run_until_complete(*loop, receive_nothing(pair)).value(), Code::kTimeout);
}

}  // namespace
}  // namespace strata::async
