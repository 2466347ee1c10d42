#include <cerrno>
#include <cmath>

#include "tests/unit/layers/stack_fixture.h"

namespace strata::layers {
namespace {

using device::Op;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(StackTest, without_layers_requests_reach_the_disk_at_once) {
  EXPECT_EQ(io_.write(0, as_bytes("hello")), 0);
  ByteVector back(5);
  EXPECT_EQ(io_.read(0, back), 0);
  EXPECT_EQ(as_text(back), "hello");
  EXPECT_EQ(disk_.arrived, 2);
  EXPECT_EQ(stack_.geometry().size_bytes, kSize);
  EXPECT_FALSE(stack_.capabilities().read_only);
}

TEST_F(StackTest, a_throttle_keeps_its_rate_within_one_percent) {
  stack_.set({.rate = {.iops = {.per_second = 500}}});
  for (int i = 0; i < 6000; ++i) begin(Op::kRead);
  time_.advance(seconds(10));
  EXPECT_NEAR(done(), 5000, 50);
  time_.advance(seconds(3));
  EXPECT_EQ(done(), 6000);
}

TEST_F(StackTest, late_timers_cost_no_rate) {
  stack_.set({.rate = {.iops = {.per_second = 500}}});
  testing::BlockIo other(stack_);
  for (int i = 0; i < 6000; ++i) begin(Op::kRead);
  // Alarms are heard only every 10 ms.
  int heard = 0;
  for (; heard < 1000; ++heard) time_.advance(milliseconds(10));
  EXPECT_NEAR(done(), 5000, 100);
  time_.advance(seconds(5));
}

// A client that sends the next request when one is answered, on a machine that stands still for 40
// ms now and then.
TEST_F(StackTest, what_a_machine_that_stands_still_misses_is_made_up_for) {
  stack_.set({.rate = {.iops = {.per_second = 1000}}});
  constexpr int kDepth = 8;
  for (int i = 0; i < kDepth; ++i) begin(Op::kRead);
  const auto send_more = [this] {
    while (static_cast<int>(pending_.size()) - done() < kDepth) begin(Op::kRead);
  };
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 8; ++i) {
      for (int step = 0; step < 85; ++step) {
        time_.advance(milliseconds(1));
        send_more();
      }
      time_.stand_still(milliseconds(40));
      send_more();
    }
  }
  EXPECT_NEAR(done(), 10'000, 100);
  time_.advance(seconds(1));
}

TEST_F(StackTest, operations_are_counted_in_units_of_256_kib_and_trims_are_free) {
  stack_.set({.rate = {.iops = {.per_second = 10, .tokens = 1}}});
  begin(Op::kRead, 0, kMiB);  // four operations, which the bucket lends
  begin(Op::kRead);
  time_.advance(milliseconds(250));
  EXPECT_EQ(done(), 1);
  time_.advance(milliseconds(200));
  EXPECT_EQ(done(), 2);
  for (int i = 0; i < 100; ++i) begin(Op::kTrim);
  for (int i = 0; i < 100; ++i) begin(Op::kFlush);
  time_.advance(milliseconds(1));
  EXPECT_EQ(done(), 202);
}

TEST_F(StackTest, a_throughput_limit_counts_bytes) {
  stack_.set({.rate = {.bytes = {.per_second = 1000 * kKiB}}});
  for (int i = 0; i < 2500; ++i) begin(Op::kWrite);
  time_.advance(seconds(5));
  EXPECT_NEAR(done(), 1250, 13);
  time_.advance(seconds(6));
  EXPECT_EQ(done(), 2500);
}

TEST_F(StackTest, burst_credits_are_used_up_and_come_back) {
  // A small gp2: 300 I/O a second until 1000 credits are gone, then 100.
  stack_.set({.rate = {.iops = {.per_second = 300}, .iops_credit = {100, 1000}}});
  EXPECT_EQ(stack_.iops_credit(), 1000U);
  for (int i = 0; i < 3000; ++i) begin(Op::kRead);
  time_.advance(seconds(5));
  EXPECT_NEAR(done(), 1500, 20);
  EXPECT_LE(stack_.iops_credit(), 10U);
  time_.advance(seconds(5));
  EXPECT_NEAR(done(), 2000, 25);
  time_.advance(seconds(20));
  EXPECT_NEAR(static_cast<double>(stack_.iops_credit()), 1000, 10);
}

TEST_F(StackTest, on_a_spinning_disk_random_requests_cost_whole_units) {
  RateSettings rate{.bytes = {.per_second = 10 * kMiB}};
  rate.unit_bytes = kMiB;
  rate.random_costs_units = true;
  stack_.set({.rate = rate});
  for (int i = 0; i < 40; ++i) begin(Op::kRead, static_cast<uint64_t>(i % 2) * 8192);
  time_.advance(seconds(2));
  EXPECT_NEAR(done(), 20, 2);
  time_.advance(seconds(3));
  ASSERT_EQ(done(), 40);
  for (uint64_t i = 0; i < 200; ++i) begin(Op::kRead, 4096 * i);
  time_.advance(milliseconds(300));
  EXPECT_EQ(done(), 240);
}

TEST_F(StackTest, a_rate_changed_while_requests_wait_holds_for_them) {
  stack_.set({.rate = {.iops = {.per_second = 1}}});
  for (int i = 0; i < 100; ++i) begin(Op::kRead);
  time_.advance(seconds(2));
  EXPECT_LE(done(), 3);
  stack_.set({.rate = {.iops = {.per_second = 1000}}});
  time_.advance(milliseconds(200));
  EXPECT_EQ(done(), 100);
}

TEST_F(StackTest, a_delay_answers_no_earlier_than_its_time_and_lets_the_disk_work) {
  stack_.set({.latency = {.median_us = 2000}});
  Pending& write = begin(Op::kWrite);
  EXPECT_EQ(disk_.arrived, 1);
  time_.advance(std::chrono::microseconds(1999));
  EXPECT_FALSE(write.done);
  time_.advance(std::chrono::microseconds(1));
  EXPECT_TRUE(write.done);
}

TEST_F(StackTest, a_lognormal_delay_has_its_median_and_its_99th_percentile) {
  LatencySampler sampler(42);
  std::vector<double> us;
  for (int i = 0; i < 100'000; ++i) {
    us.push_back(std::chrono::duration<double, std::micro>(sampler.sample({500, 4000})).count());
  }
  std::sort(us.begin(), us.end());
  EXPECT_NEAR(us[50'000], 500, 10);
  EXPECT_NEAR(us[99'000], 4000, 250);
  LatencySampler again(42);
  LatencySampler same(42);
  EXPECT_EQ(again.sample({500, 4000}), same.sample({500, 4000}));
}

TEST_F(StackTest, delayed_requests_are_answered_in_the_order_of_their_times) {
  stack_.set({.latency = {.median_us = 1000, .p99_us = 20'000}});
  for (int i = 0; i < 200; ++i) begin(Op::kRead);
  int last = 0;
  for (int i = 0; i < 100; ++i) {
    time_.advance(milliseconds(1));
    EXPECT_GE(done(), last);
    last = done();
  }
  EXPECT_EQ(last, 200);
}

TEST_F(StackTest, switched_off_limits_let_waiting_requests_go) {
  stack_.set({.rate = {.iops = {.per_second = 1}}, .latency = {.median_us = 50'000'000}});
  for (int i = 0; i < 100; ++i) begin(Op::kRead);
  time_.advance(seconds(1));
  EXPECT_EQ(done(), 0);
  stack_.release();
  time_.advance(milliseconds(200));
  EXPECT_EQ(done(), 100);
}

TEST_F(StackTest, a_read_only_layer_refuses_every_change_and_says_so) {
  set_layers({"read-only"});
  EXPECT_TRUE(stack_.capabilities().read_only);
  EXPECT_EQ(io_.write(0, as_bytes("x")), -EPERM);
  EXPECT_EQ(io_.range(Op::kTrim, 0, 4096), -EPERM);
  EXPECT_EQ(io_.range(Op::kWriteZeroes, 0, 4096), -EPERM);
  EXPECT_EQ(disk_.arrived, 0);
  EXPECT_EQ(io_.flush(), 0);
  EXPECT_EQ(io_.read(0, MutableBytes(buffer_).first(512)), 0);
}

TEST_F(StackTest, faults_hit_what_the_plan_says) {
  set_layers({"fault:on=write,after=2,times=3"});
  std::string outcome;
  for (int i = 0; i < 8; ++i) outcome += io_.write(0, as_bytes("x")) == 0 ? '.' : 'E';
  EXPECT_EQ(outcome, "..EEE...");
  EXPECT_EQ(stack_.faults(), 3U);
  EXPECT_EQ(io_.read(0, MutableBytes(buffer_).first(512)), 0);
}

TEST_F(StackTest, faults_repeat_from_their_seed) {
  const auto run = [this](const char* layer) {
    set_layers({layer});
    std::string outcome;
    for (int i = 0; i < 200; ++i) outcome += io_.flush() == 0 ? '.' : 'E';
    return outcome;
  };
  const std::string seven = run("fault:on=flush,probability=0.25,seed=7");
  EXPECT_EQ(seven, run("fault:on=flush,probability=0.25,seed=7"));
  EXPECT_NE(seven, run("fault:on=flush,probability=0.25,seed=8"));
  EXPECT_NEAR(static_cast<double>(std::count(seven.begin(), seven.end(), 'E')), 50, 25);
}

TEST_F(StackTest, a_torn_write_leaves_its_beginning_and_fails) {
  ByteVector data(4096, std::byte{'n'});
  for (const char* seed : {"1", "2", "3", "4"}) {
    set_layers({});
    ASSERT_EQ(io_.write(0, ByteVector(4096, std::byte{'o'})), 0);
    set_layers({(std::string("fault:on=write,effect=torn,times=1,seed=") + seed).c_str()});
    EXPECT_EQ(io_.write(0, data), -EIO);
    ByteVector back(4096);
    ASSERT_EQ(io_.read(0, back), 0);
    const auto torn = std::find(back.begin(), back.end(), std::byte{'o'}) - back.begin();
    EXPECT_LT(torn, 4096);
    EXPECT_EQ(torn % 512, 0);
    EXPECT_TRUE(std::all_of(back.begin() + torn, back.end(),
                            [](std::byte one) { return one == std::byte{'o'}; }));
  }
}

// Whose bytes no layer may look at.
TEST_F(StackTest, data_in_a_registered_buffer_is_counted_delayed_and_torn_like_any) {
  Pending request;
  request.op = Op::kWrite;
  request.length = 65536;
  request.registered.index = 5;
  set_layers({"meter"});
  EXPECT_EQ(io_.run(request), 0);
  EXPECT_EQ(disk_.last.registered.index, 5U);
  EXPECT_EQ(disk_.last.length, 65536U);
  for (const char* seed : {"1", "2", "3", "4"}) {
    set_layers({(std::string("fault:on=write,effect=torn,times=1,seed=") + seed).c_str()});
    disk_.last = {};
    EXPECT_EQ(io_.run(request), -EIO);
    EXPECT_LT(disk_.last.length, 65536U);
    EXPECT_EQ(disk_.last.length % 4096, 0U) << "a disk takes whole blocks of it";
  }
}

TEST_F(StackTest, a_lost_flush_is_answered_and_reaches_nobody) {
  set_layers({"fault:on=flush,effect=lost"});
  EXPECT_EQ(io_.flush(), 0);
  EXPECT_EQ(disk_.arrived, 0);
}

TEST_F(StackTest, a_fault_can_be_kept_to_a_range) {
  set_layers({"fault:on=read,from=4096,to=8192"});
  const MutableBytes block = MutableBytes(buffer_).first(4096);
  EXPECT_EQ(io_.read(0, block), 0);
  EXPECT_EQ(io_.read(4096, block), -EIO);
  EXPECT_EQ(io_.read(4000, block), -EIO);
  EXPECT_EQ(io_.read(8192, block), 0);
}

TEST_F(StackTest, a_meter_counts_requests_errors_bytes_and_time) {
  set_layers({"meter", "fault:on=read,times=1", "delay:3ms"});
  begin(Op::kRead);
  begin(Op::kRead);
  begin(Op::kWrite, 0, 8192);
  time_.advance(milliseconds(10));
  const Meter::Snapshot reads = stack_.meter().at(0);
  EXPECT_EQ(reads.requests, 2U);
  EXPECT_EQ(reads.errors, 1U);
  EXPECT_EQ(reads.bytes, 4096U);
  const Meter::Snapshot writes = stack_.meter().at(1);
  EXPECT_EQ(writes.bytes, 8192U);
  EXPECT_EQ(writes.mean_us, 3000U);
  EXPECT_GE(writes.p99_us, 3000U);
  EXPECT_NE(registry_.render().find("strata_volume_requests_total{op=\"read\",volume=\"db\"} 2"),
            std::string::npos)
      << registry_.render();
}

TEST_F(StackTest, layers_change_under_requests_that_wait_in_them) {
  set_layers({"throttle:iops=1", "delay:20s"});
  for (int i = 0; i < 50; ++i) begin(Op::kRead);
  time_.advance(milliseconds(1));
  EXPECT_EQ(done(), 0);
  set_layers({"meter"});
  begin(Op::kRead);  // the queue notices with its next request
  EXPECT_EQ(done(), 51);
  EXPECT_EQ(stack_.meter().at(0).requests, 1U);
  set_layers({});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(io_.flush(), 0);
}

TEST_F(StackTest, layers_stack_in_the_order_in_which_they_are_written) {
  set_layers({"meter", "throttle:iops=10"});
  for (int i = 0; i < 5; ++i) begin(Op::kRead);
  time_.advance(seconds(1));
  EXPECT_GT(stack_.meter().at(0).mean_us, 100'000U) << "the waiting is in";
  set_layers({"throttle:iops=10", "meter"});
  for (int i = 0; i < 5; ++i) begin(Op::kWrite);
  time_.advance(seconds(1));
  EXPECT_EQ(stack_.meter().at(1).mean_us, 0U) << "the waiting is not in";
}

TEST_F(StackTest, two_queues_share_one_rate) {
  stack_.set({.rate = {.iops = {.per_second = 100}}});
  testing::BlockIo other(stack_);
  std::deque<Pending> theirs(1000);
  for (Pending& one : theirs) {
    one.op = Op::kRead;
    one.buffer = MutableBytes(buffer_).first(512);
    other.start(one);
  }
  for (int i = 0; i < 1000; ++i) begin(Op::kRead);
  time_.advance(seconds(5));
  const auto other_done =
      std::count_if(theirs.begin(), theirs.end(), [](const Pending& one) { return one.done; });
  EXPECT_NEAR(static_cast<double>(done() + other_done), 500, 10);
  stack_.release();
  time_.advance(seconds(1));
  EXPECT_EQ(done(), 1000);
}

}  // namespace
}  // namespace strata::layers
