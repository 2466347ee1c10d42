#include "common/ring/ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"

namespace strata::ring {
namespace {

// An operation that remembers its result.
struct Recorded : Operation {
  Recorded() : Operation{&Recorded::finish} {}
  static void finish(Operation& self, int32_t result) noexcept {
    auto& recorded = static_cast<Recorded&>(self);
    CHECK(!recorded.result.has_value(), "completed twice");
    recorded.result = result;
  }
  std::optional<int32_t> result;
};

class RingTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = UniqueFd(::memfd_create("strata_ring_test", MFD_CLOEXEC));
    ASSERT_TRUE(file_.valid());
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    reader_ = UniqueFd(fds[0]);
    writer_ = UniqueFd(fds[1]);
  }
  int32_t wait(Recorded& op) {
    while (!op.result.has_value()) CHECK(ring_->run_once(Deadline::never()).ok());
    return *op.result;
  }
  static Deadline past() { return Deadline::at(SteadyTime::min()); }

  std::unique_ptr<Ring> ring_ = Ring::create({.entries = 8}).value();
  UniqueFd file_;
  UniqueFd reader_;
  UniqueFd writer_;
};

TEST_F(RingTest, registered_memory_and_files_carry_the_same_bytes) {
  constexpr size_t kBytes = 64 * 1024;
  const std::unique_ptr<std::byte, decltype(&free)> memory(
      static_cast<std::byte*>(aligned_alloc(4096, kBytes)), &free);
  const MutableBytes all(memory.get(), kBytes);
  // Twice: what was unregistered can be registered again, and works in between too.
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(ring_->register_buffer(all).ok());
    ASSERT_TRUE(ring_->register_file(file_.get()).ok());
    ASSERT_TRUE(ring_->register_file(file_.get()).ok()) << "a second user of it";
    for (int user = 0; user < 3; ++user) {
      for (size_t i = 0; i < 5000; ++i) all[i] = static_cast<std::byte>(i * 7 + round + user);
      Recorded write;
      ring_->write(write, file_.get(), all.first(5000), 100, RWF_DSYNC);
      EXPECT_EQ(wait(write), 5000);
      Recorded sync;
      ring_->sync(sync, file_.get(), true);
      EXPECT_EQ(wait(sync), 0);
      Recorded read;
      ring_->read(read, file_.get(), all.subspan(8192, 5000), 100);
      EXPECT_EQ(wait(read), 5000);
      EXPECT_TRUE(std::equal(all.begin(), all.begin() + 5000, all.begin() + 8192));
      // Across the end of what is registered nothing is taken for registered.
      std::array<std::byte, 16> elsewhere{};
      Recorded plain;
      ring_->read(plain, file_.get(), elsewhere, 100);
      EXPECT_EQ(wait(plain), 16);
      EXPECT_TRUE(std::equal(elsewhere.begin(), elsewhere.end(), all.begin()));
      if (user < 2) ring_->unregister_file(file_.get());
    }
    ring_->unregister_buffer(all.data());
  }
}

TEST_F(RingTest, a_descriptor_that_was_unregistered_may_name_another_file) {
  ASSERT_TRUE(ring_->register_file(file_.get()).ok());
  ring_->unregister_file(file_.get());
  const UniqueFd other(::memfd_create("strata_ring_other", MFD_CLOEXEC));
  ASSERT_EQ(::dup2(other.get(), file_.get()), file_.get());
  Recorded write;
  ring_->write(write, file_.get(), as_bytes("new"), 0);
  EXPECT_EQ(wait(write), 3);
  std::array<char, 3> text{};
  EXPECT_EQ(::pread(other.get(), text.data(), text.size(), 0), 3);
}

TEST_F(RingTest, tables_that_are_full_say_so_and_all_goes_on) {
  std::vector<UniqueFd> files;
  for (uint32_t i = 0; i < Ring::kFilesMax; ++i) {
    files.emplace_back(::memfd_create("strata_ring_many", MFD_CLOEXEC));
    ASSERT_TRUE(ring_->register_file(files.back().get()).ok());
  }
  EXPECT_EQ(ring_->register_file(file_.get()).error().code, Code::kBusy);
  Recorded write;
  ring_->write(write, file_.get(), as_bytes("hello"), 0);
  EXPECT_EQ(wait(write), 5);
}

TEST_F(RingTest, what_is_written_to_a_file_is_read) {
  Recorded write;
  ring_->write(write, file_.get(), as_bytes("hello world"), 5);
  EXPECT_EQ(wait(write), 11);
  Recorded sync;
  ring_->sync(sync, file_.get(), false);
  EXPECT_EQ(wait(sync), 0);
  Recorded data_sync;
  ring_->sync(data_sync, file_.get(), true);
  EXPECT_EQ(wait(data_sync), 0);
  std::array<std::byte, 64> buffer{};
  Recorded read;
  ring_->read(read, file_.get(), buffer, 0);
  EXPECT_EQ(wait(read), 16);
  EXPECT_EQ(as_text(Bytes(buffer).subspan(5, 11)), "hello world");
  EXPECT_EQ(ring_->in_flight(), 0u);
}

TEST_F(RingTest, vectors_are_scattered_and_gathered) {
  std::string one = "one";
  std::string two = "twotwo";
  const std::array<iovec, 2> out{iovec{one.data(), one.size()}, iovec{two.data(), two.size()}};
  Recorded write;
  ring_->write_vector(write, file_.get(), out.data(), 2, 0);
  EXPECT_EQ(wait(write), 9);
  std::string first(6, '.');
  std::string second(6, '.');
  const std::array<iovec, 2> in{iovec{first.data(), 6}, iovec{second.data(), 6}};
  Recorded read;
  ring_->read_vector(read, file_.get(), in.data(), 2, 0);
  EXPECT_EQ(wait(read), 9);
  EXPECT_EQ(first + second, "onetwotwo...");
}

TEST_F(RingTest, space_is_allocated) {
  Recorded allocate;
  ring_->allocate(allocate, file_.get(), 0, 0, 8192);
  EXPECT_EQ(wait(allocate), 0);
  EXPECT_EQ(::lseek(file_.get(), 0, SEEK_END), 8192);
}

TEST_F(RingTest, a_refused_call_completes_with_its_error) {
  Recorded read;
  std::byte one[1];
  ring_->read(read, 1'000'000, one, 0);
  EXPECT_EQ(wait(read), -EBADF);
}

TEST_F(RingTest, a_cancelled_operation_completes_once) {
  Recorded read;
  std::byte one[1];
  ring_->read(read, reader_.get(), one, 0);
  ASSERT_TRUE(ring_->run_once(past()).ok());
  EXPECT_FALSE(read.result.has_value());
  EXPECT_EQ(ring_->in_flight(), 1u);
  ring_->cancel(read);
  EXPECT_EQ(wait(read), -ECANCELED);
  EXPECT_EQ(ring_->in_flight(), 0u);
}

TEST_F(RingTest, an_operation_is_cancelled_before_it_was_submitted) {
  Recorded read;
  std::byte one[1];
  ring_->read(read, reader_.get(), one, 0);
  ring_->cancel(read);
  EXPECT_EQ(wait(read), -ECANCELED);
}

TEST_F(RingTest, cancelling_what_has_finished_does_nothing) {
  Recorded write;
  ring_->write(write, file_.get(), as_bytes("x"), 0);
  EXPECT_EQ(wait(write), 1);
  ring_->cancel(write);
  ASSERT_TRUE(ring_->run_once(past()).ok());
  ASSERT_TRUE(ring_->run_once(past()).ok());
  EXPECT_EQ(*write.result, 1);
}

TEST_F(RingTest, more_operations_are_in_flight_than_there_are_entries) {
  constexpr size_t kCount = 500;
  ASSERT_TRUE(ring_->run_once(past()).ok());
  std::vector<Recorded> reads(kCount);
  std::vector<std::byte> bytes(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    ring_->read(reads[i], reader_.get(), MutableBytes(&bytes[i], 1), 0);
  }
  EXPECT_EQ(ring_->in_flight(), kCount);
  const std::string text(kCount, 'x');
  ASSERT_EQ(::write(writer_.get(), text.data(), kCount), static_cast<ssize_t>(kCount));
  for (Recorded& read : reads) EXPECT_EQ(wait(read), 1);
  for (const std::byte b : bytes) EXPECT_EQ(b, std::byte{'x'});
  EXPECT_EQ(ring_->in_flight(), 0u);
}

// Starts the next operation from within the completion of the last, many times.
struct Chain : Operation {
  Chain(Ring& its_ring, int its_fd) : Operation{&Chain::next}, ring(its_ring), fd(its_fd) {}
  static void next(Operation& self, int32_t result) noexcept {
    auto& chain = static_cast<Chain&>(self);
    CHECK(result == 1);
    if (--chain.left > 0) chain.ring.write(chain, chain.fd, as_bytes("x"), chain.left);
  }
  Ring& ring;
  int fd;
  uint32_t left = 1000;
};

TEST_F(RingTest, a_completion_starts_the_next_operation) {
  std::vector<Chain> chains(50, Chain(*ring_, file_.get()));
  ASSERT_TRUE(ring_->run_once(past()).ok());
  for (Chain& chain : chains) ring_->write(chain, file_.get(), as_bytes("x"), 0);
  while (ring_->in_flight() > 0) ASSERT_TRUE(ring_->run_once(Deadline::never()).ok());
  for (const Chain& chain : chains) EXPECT_EQ(chain.left, 0u);
}

TEST_F(RingTest, what_is_submitted_begins_without_a_wait) {
  const auto in_the_pipe = [&] {
    int bytes = 0;
    CHECK(ioctl(reader_.get(), FIONREAD, &bytes) == 0);
    return bytes;
  };
  Recorded before;
  ring_->write(before, writer_.get(), as_bytes("x"), 0);
  ring_->submit();
  EXPECT_EQ(in_the_pipe(), 0) << "the ring has no thread yet";
  EXPECT_EQ(wait(before), 1);
  Recorded op;
  ring_->write(op, writer_.get(), as_bytes("y"), 0);
  EXPECT_EQ(in_the_pipe(), 1);
  ring_->submit();
  EXPECT_EQ(in_the_pipe(), 2);
  EXPECT_FALSE(op.result.has_value()) << "completions are run_once's";
  EXPECT_EQ(wait(op), 1);
}

TEST_F(RingTest, a_wait_ends_at_its_deadline) {
  const auto begin = std::chrono::steady_clock::now();
  Recorded read;
  std::byte one[1];
  ring_->read(read, reader_.get(), one, 0);
  const Deadline until = Deadline::at(begin + std::chrono::milliseconds(20));
  ASSERT_TRUE(ring_->run_once(until).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(19));
  EXPECT_FALSE(read.result.has_value());
  ring_->cancel(read);
  wait(read);
}

TEST_F(RingTest, a_deadline_in_the_past_only_looks) {
  ASSERT_TRUE(ring_->run_once(past()).ok());
  ASSERT_TRUE(ring_->run_once(Deadline::at(SteadyTime{})).ok());
}

TEST_F(RingTest, another_thread_wakes_a_wait_every_time) {
  constexpr uint32_t kRounds = 2000;
  std::atomic<uint32_t> asked{0};
  std::atomic<uint32_t> seen{0};
  std::thread waker([&] {
    for (uint32_t i = 1; i <= kRounds; ++i) {
      asked.store(i, std::memory_order_release);
      ring_->wake();
      ring_->wake();
      while (seen.load(std::memory_order_acquire) < i) std::this_thread::yield();
    }
  });
  while (seen.load(std::memory_order_relaxed) < kRounds) {
    // A wake that got lost would leave this waiting for ever.
    ASSERT_TRUE(ring_->run_once(Deadline::never()).ok());
    seen.store(asked.load(std::memory_order_acquire), std::memory_order_release);
  }
  waker.join();
}

// `asked` is no atomic: the wake alone carries it over, which ThreadSanitizer judges.
TEST_F(RingTest, what_was_written_before_a_wake_is_seen_after_the_turn_that_it_ends) {
  constexpr uint32_t kRounds = 500;
  uint32_t asked = 0;
  std::atomic<uint32_t> seen{0};
  std::thread waker([&] {
    for (uint32_t i = 1; i <= kRounds; ++i) {
      asked = i;
      ring_->wake();
      while (seen.load(std::memory_order_acquire) < i) std::this_thread::yield();
    }
  });
  for (uint32_t i = 1; i <= kRounds; ++i) {
    EXPECT_TRUE(ring_->run_once(Deadline::never()).ok());
    EXPECT_EQ(asked, i);
    seen.store(i, std::memory_order_release);
  }
  waker.join();
}

TEST_F(RingTest, a_wake_before_the_first_wait_is_not_lost) {
  ring_->wake();
  ASSERT_TRUE(ring_->run_once(Deadline::never()).ok());
}

TEST_F(RingTest, sockets_accept_send_receive_and_poll) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  const UniqueFd a(fds[0]);
  UniqueFd b(fds[1]);
  Recorded poll;
  ring_->poll(poll, b.get(), POLLIN);
  Recorded send;
  ring_->send(send, a.get(), as_bytes("ping"));
  EXPECT_EQ(wait(send), 4);
  EXPECT_EQ(wait(poll) & POLLIN, POLLIN);
  std::array<std::byte, 16> buffer{};
  Recorded receive;
  ring_->receive(receive, b.get(), buffer);
  EXPECT_EQ(wait(receive), 4);
  b.reset();
  Recorded broken;
  ring_->send(broken, a.get(), as_bytes("ping"));  // no SIGPIPE
  EXPECT_EQ(wait(broken), -EPIPE);
  Recorded end;
  ring_->receive(end, a.get(), buffer);
  EXPECT_EQ(wait(end), 0);
}

struct CountedTimer : Timer {
  CountedTimer() {
    fire = [](Timer& self) noexcept { ++static_cast<CountedTimer&>(self).fired; };
  }
  int fired = 0;
};

TEST_F(RingTest, a_timer_ends_the_wait_and_fires_once) {
  CountedTimer timer;
  const SteadyTime due = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  ring_->set_timer(timer, due);
  while (timer.fired == 0) ASSERT_TRUE(ring_->run_once(Deadline::never()).ok());
  EXPECT_GE(std::chrono::steady_clock::now(), due);
  ASSERT_TRUE(ring_->run_once(past()).ok());
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(RingTest, timers_are_moved_and_cleared) {
  CountedTimer moved;
  CountedTimer cleared;
  CountedTimer due;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (CountedTimer* timer : {&moved, &cleared, &due}) ring_->set_timer(*timer, now);
  ring_->set_timer(moved, SteadyTime::max());
  ring_->clear_timer(cleared);
  ring_->clear_timer(cleared);
  ASSERT_TRUE(ring_->run_once(past()).ok());
  EXPECT_EQ(moved.fired, 0);
  EXPECT_EQ(cleared.fired, 0);
  EXPECT_EQ(due.fired, 1);
  ring_->clear_timer(moved);
}

TEST_F(RingTest, a_timer_that_sets_itself_again_does_not_hold_the_loop) {
  struct Again : Timer {
    Ring* ring = nullptr;
    int fired = 0;
  } timer;
  timer.ring = ring_.get();
  timer.fire = [](Timer& self) noexcept {
    auto& again = static_cast<Again&>(self);
    ++again.fired;
    again.ring->set_timer(again, SteadyTime::min());
  };
  ring_->set_timer(timer, SteadyTime::min());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ring_->run_once(Deadline::never()).ok());
  EXPECT_EQ(timer.fired, 3);
  ring_->clear_timer(timer);
}

}  // namespace
}  // namespace strata::ring
