#include "objstore/object/bucket_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "common/async/gate.h"
#include "common/async/task.h"

namespace strata::object {
namespace {

async::Task<void> share_into(SharedGate& gate, std::vector<int>& order, int name) {
  const SharedGate::Pass pass = co_await gate.share();
  order.push_back(name);
}
async::Task<void> alone_into(SharedGate& gate, std::vector<int>& order, int name) {
  const SharedGate::Pass pass = co_await gate.alone();
  order.push_back(name);
}

async::Task<void> order_of_arrival(std::vector<int>& order) {
  SharedGate gate;
  async::Gate tasks;
  SharedGate::Pass first = co_await gate.share();
  SharedGate::Pass second = co_await gate.share();
  spawn(tasks, alone_into(gate, order, 1));
  spawn(tasks, share_into(gate, order, 2));  // after the one that waits to be alone
  spawn(tasks, share_into(gate, order, 3));
  spawn(tasks, alone_into(gate, order, 4));
  CHECK(order.empty());
  first.release();
  CHECK(order.empty());
  second.release();
  tasks.close();
  co_await tasks.empty();
}

TEST(SharedGate, lets_in_by_order_of_arrival) {
  auto loop = async::EventLoop::create().value();
  std::vector<int> order;
  ASSERT_TRUE(async::run_until_complete(*loop, order_of_arrival(order)).ok());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

struct GiveWay {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const {
    async::EventLoop::current().post(waiter);
  }
  void await_resume() const noexcept {}
};

struct Counts {
  std::atomic<int> sharing{0};
  std::atomic<int> alone{0};
  std::atomic<int> wrong{0};
  std::atomic<int> passes{0};
};

async::Task<void> pass_often(SharedGate& gate, Counts& counts, int seed) {
  for (int i = 0; i < 300; ++i) {
    if ((i + seed) % 7 == 0) {
      const SharedGate::Pass pass = co_await gate.alone();
      if (++counts.alone != 1 || counts.sharing != 0) ++counts.wrong;
      co_await GiveWay{};
      --counts.alone;
    } else {
      const SharedGate::Pass pass = co_await gate.share();
      ++counts.sharing;
      if (counts.alone != 0) ++counts.wrong;
      co_await GiveWay{};
      --counts.sharing;
    }
    ++counts.passes;
  }
}

async::Task<void> pass_from_one_loop(SharedGate& gate, Counts& counts, int seed) {
  async::Gate tasks;
  for (int i = 0; i < 8; ++i) spawn(tasks, pass_often(gate, counts, seed + i));
  tasks.close();
  co_await tasks.empty();
}

TEST(SharedGate, one_that_is_alone_meets_nobody_from_any_loop) {
  SharedGate gate;
  Counts counts;
  // The loops outlive all threads: a task may still be posting to another's loop.
  std::vector<std::unique_ptr<async::EventLoop>> loops;
  for (int i = 0; i < 4; ++i) loops.push_back(async::EventLoop::create().value());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      CHECK(async::run_until_complete(*loops[i], pass_from_one_loop(gate, counts, i)).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counts.wrong, 0);
  EXPECT_EQ(counts.passes, 4 * 8 * 300);
}

}  // namespace
}  // namespace strata::object
