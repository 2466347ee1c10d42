// What a server spends on its clients: no allocation a request, bounded memory, bounded patience.
#include <poll.h>

#include <cstring>
#include <thread>

#include "blockdev/device/file_device.h"
#include "common/io/posix_file_system.h"
#include "tests/support/allocations.h"
#include "tests/support/nbd_session.h"
#include "tests/unit/nbd/server_fixture.h"

namespace strata::nbd {
namespace {

using testing::NbdClient;
using testing::NbdSession;

// Reads and writes of 4 KiB in turn, `depth` under way, without an allocation of the client's.
class Load {
 public:
  static constexpr uint32_t kBlock = 4096;
  static constexpr int kDepth = 16;

  explicit Load(NbdSession& session)
      : session_(session), round_(kDepth * kRequest), answer_(kBlock) {
    for (int i = 0; i < kDepth; ++i) {
      const bool write = i % 2 == 0;
      const ByteVector header =
          NbdClient::request(write ? 1 : 0, static_cast<uint64_t>(i) * kBlock, kBlock);
      std::memcpy(round_.data() + used_, header.data(), header.size());
      used_ += header.size();
      if (write) std::memset(round_.data() + used_, i + 1, kBlock);
      if (write) used_ += kBlock;
    }
  }
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      CHECK(session_.send_all(Bytes(round_).first(used_)));
      for (int k = 0; k < kDepth; ++k) {
        CHECK(session_.receive_all(header_));
        CHECK(load_big<uint32_t>(header_.data()) == kSimpleReplyMagic);
        CHECK(load_big<uint32_t>(header_.data() + 4) == 0);
        // Cookies are 1 for writes and 0 for reads: see below.
        if (load_big<uint64_t>(header_.data() + 8) == 0) CHECK(session_.receive_all(answer_));
      }
    }
  }
  // Marks the writes, so that a reply says whether data follows.
  void mark() {
    size_t at = 0;
    for (int i = 0; i < kDepth; ++i) {
      const bool write = i % 2 == 0;
      store_big(round_.data() + at + 8, uint64_t{write ? 1U : 0U});
      at += kRequestBytes + (write ? kBlock : 0);
    }
  }

 private:
  static constexpr size_t kRequest = kRequestBytes + kBlock;
  NbdSession& session_;
  ByteVector round_;
  size_t used_ = 0;
  ByteVector header_ = ByteVector(kSimpleReplyBytes);
  ByteVector answer_;
};

TEST_F(ServerTest, requests_allocate_nothing_once_a_connection_is_warm) {
#ifndef STRATA_COUNTS_ALLOCATIONS
  GTEST_SKIP() << "a sanitizer has the operators";
#endif
  io::PosixFileSystem files;
  const std::string path = folder_ / "image";
  auto made = files.open(path, {.write = true, .create = true});
  ASSERT_TRUE(made.ok() && (*made)->truncate(kMiB).ok());
  auto file = files.open(path, {.write = true, .direct = true});
  serve("image", device::FileDevice::open(std::move(file).value(), path).value());
  start();
  for (const char* name : {"disk", "image"}) {
    NbdSession session(socket_path());
    ASSERT_TRUE(session.open(name, NbdSession::Form::kSimple));
    Load load(session);
    load.mark();
    load.run(20);
    const uint64_t before = testing::allocations.load();
    ASSERT_GT(before, 0U) << "nothing is counted";
    load.run(50);
    EXPECT_EQ(testing::allocations.load() - before, 0U) << name;
  }
  server_->stop(Deadline::after(std::chrono::seconds(10)));
}

TEST_F(ServerTest, a_client_that_stops_within_a_payload_is_closed_and_an_idle_one_is_not) {
  start({.stall_time = std::chrono::milliseconds(100)});
  NbdClient idle(socket_path());
  ASSERT_TRUE(idle.go("disk"));
  NbdClient slow(socket_path());
  ASSERT_TRUE(slow.go("disk"));
  ASSERT_TRUE(slow.send_all(NbdClient::request(1, 0, 4096)));
  ASSERT_TRUE(slow.send_all(ByteVector(100)));
  EXPECT_TRUE(slow.at_end());
  ByteVector got(512);
  EXPECT_EQ(idle.read(0, got), 0U);
}

TEST_F(ServerTest, a_client_that_does_not_read_its_replies_is_closed_in_the_end) {
  start({.stall_time = std::chrono::milliseconds(100)});
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.send_all(NbdClient::request(0, 0, kMiB)));
  pollfd waited{.fd = client.fd(), .events = POLLRDHUP, .revents = 0};
  EXPECT_EQ(poll(&waited, 1, 10000), 1);
  expect_alive();
}

TEST_F(ServerTest, buffers_of_all_clients_together_are_bounded_and_all_are_served) {
  // Room for one request of the longest kind at a time.
  start({.memory_bytes_max = kPayloadBytesMax});
  constexpr int kClients = 4;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([this] {
      NbdClient client(socket_path());
      CHECK(client.go("disk"));
      ByteVector got(kPayloadBytesMax);
      for (int k = 0; k < 3; ++k) CHECK(client.read(0, got) == 0);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(ServerTest, buffers_of_one_export_are_bounded_and_another_goes_on) {
  serve("other", device::MemoryDevice::create(kMiB).value());
  // Room for one request of the longest kind of each export.
  start({.export_bytes_max = kPayloadBytesMax});
  // A client that asks for much and does not read it holds its export's memory.
  NbdClient greedy(socket_path());
  ASSERT_TRUE(greedy.go("disk"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(greedy.send_all(NbdClient::request(0, 0, kPayloadBytesMax)));
  }
  NbdClient neighbour(socket_path());
  ASSERT_TRUE(neighbour.go("other"));
  ByteVector got(512 * kKiB);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(neighbour.read(0, got), 0U);
  // Whoever reads is served all of it, one after the other.
  ByteVector all(kPayloadBytesMax);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(greedy.reply().ok);
    EXPECT_TRUE(greedy.receive_all(all));
  }
}

}  // namespace
}  // namespace strata::nbd
