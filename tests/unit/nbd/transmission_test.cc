// Requests and replies through a real socket.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/unit/nbd/server_fixture.h"

namespace strata::nbd {
namespace {

using testing::NbdClient;

class TransmissionTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    start({.threads = 2});
  }
};

TEST_F(TransmissionTest, what_is_written_is_read_back_until_it_is_trimmed_or_zeroed) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  const ByteVector data(100000, std::byte{0x5a});
  ASSERT_EQ(client.write(777, data), 0U);
  ASSERT_EQ(client.call(Command::kFlush, 0, 0), 0U);
  ByteVector got(data.size());
  ASSERT_EQ(client.read(777, got), 0U);
  EXPECT_EQ(got, data);
  ASSERT_EQ(client.call(Command::kTrim, 777, 1000), 0U);
  ASSERT_EQ(client.call(Command::kWriteZeroes, 1777, 1000, kFlagNoHole), 0U);
  ASSERT_EQ(client.read(777, got), 0U);
  EXPECT_TRUE(
      std::all_of(got.begin(), got.begin() + 2000, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(got[2000], std::byte{0x5a});
}

TEST_F(TransmissionTest, the_longest_payload_is_taken_whole) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  ByteVector data(kPayloadBytesMax);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7 >> 3);
  ASSERT_EQ(client.write(kSize - data.size(), data), 0U);
  ByteVector got(data.size());
  ASSERT_EQ(client.read(kSize - data.size(), got), 0U);
  EXPECT_TRUE(got == data);
}

TEST_F(TransmissionTest, refused_requests_are_answered_and_the_stream_stays_in_step) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  const ByteVector data(300000, std::byte{1});
  EXPECT_EQ(client.write(kSize - 10, data), kErrorNoSpace);
  EXPECT_EQ(client.write(0, data, kFlagNoHole), kErrorInvalid);
  EXPECT_EQ(client.write(0, ByteVector(kPayloadBytesMax + 4096)), kErrorInvalid);
  EXPECT_EQ(client.call(Command::kRead, kSize, 1), kErrorInvalid);
  EXPECT_EQ(client.call(Command::kRead, 0, 0), kErrorInvalid);
  EXPECT_EQ(client.call(Command::kRead, ~uint64_t{0}, 4096), kErrorInvalid);
  EXPECT_EQ(client.call(Command::kRead, 0, 0xffffffff), kErrorInvalid);
  EXPECT_EQ(client.call(static_cast<Command>(99), 0, 0), kErrorInvalid);
  ByteVector got(4096, std::byte{9});
  EXPECT_EQ(client.read(0, got), 0U);
  EXPECT_EQ(got, ByteVector(4096));
}

TEST_F(TransmissionTest, a_write_longer_than_any_limit_ends_the_connection) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  ASSERT_TRUE(client.send_all(NbdClient::request(1, 0, 0xffffffff)));
  EXPECT_TRUE(client.at_end());
  expect_alive();
}

TEST_F(TransmissionTest, a_wrong_request_magic_ends_the_connection) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  ASSERT_TRUE(client.send_all(ByteVector(kRequestBytes, std::byte{0xff})));
  EXPECT_TRUE(client.at_end());
  expect_alive();
}

TEST_F(TransmissionTest, requests_split_and_joined_anyhow_are_the_same_requests) {
  ByteVector stream;
  constexpr uint64_t kWrites = 40;
  for (uint64_t i = 0; i < kWrites; ++i) {
    const auto length = static_cast<uint32_t>(1 + i * 37 % 3000);
    const ByteVector header = NbdClient::request(1, i * 4096, length, 0, i);
    stream.insert(stream.end(), header.begin(), header.end());
    stream.insert(stream.end(), length, static_cast<std::byte>(i));
  }
  for (const size_t piece : {1UL, 13UL, 28UL, 29UL, 1000UL, 70000UL}) {
    NbdClient client(socket_path());
    ASSERT_TRUE(client.go("disk"));
    ASSERT_EQ(client.write(0, ByteVector(kWrites * 4096, std::byte{0xff})), 0U);
    for (size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(client.send_all(Bytes(stream).subspan(at, std::min(piece, stream.size() - at))));
    }
    for (uint64_t i = 0; i < kWrites; ++i) ASSERT_EQ(client.reply().error, 0U) << piece;
    for (uint64_t i = 0; i < kWrites; ++i) {
      const size_t length = 1 + i * 37 % 3000;
      ByteVector block(4096);
      ASSERT_EQ(client.read(i * 4096, block), 0U);
      ASSERT_TRUE(std::all_of(block.begin(), block.begin() + static_cast<ptrdiff_t>(length),
                              [i](std::byte b) { return b == static_cast<std::byte>(i); }));
      ASSERT_EQ(block[length], std::byte{0xff});
    }
  }
}

TEST_F(TransmissionTest, thousands_of_requests_without_reading_are_bounded_and_all_answered) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  constexpr uint64_t kRequests = 5000;
  constexpr uint32_t kLength = 16384;
  std::thread sender([&] {
    for (uint64_t i = 0; i < kRequests; ++i) {
      CHECK(client.send_all(NbdClient::request(0, i % 100 * kLength, kLength, 0, i)));
    }
  });
  std::vector<bool> seen(kRequests);
  ByteVector payload(kLength);
  for (uint64_t i = 0; i < kRequests; ++i) {
    const auto reply = client.reply();
    ASSERT_TRUE(reply.ok && reply.error == 0 && reply.cookie < kRequests && !seen[reply.cookie]);
    seen[reply.cookie] = true;
    ASSERT_TRUE(client.receive_all(payload));
  }
  sender.join();
}

TEST_F(TransmissionTest, a_client_that_never_reads_its_replies_is_not_read_from) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  const ByteVector request = NbdClient::request(0, 0, 64 * 1024);
  // Sends until the socket is full: a server that took everything would never fill it.
  constexpr size_t kFarTooMany = 200000;
  size_t taken = 0;
  const timeval wait{.tv_sec = 0, .tv_usec = 500000};
  ASSERT_EQ(setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait), 0);
  while (taken < kFarTooMany && client.send_all(request)) ++taken;
  EXPECT_LT(taken, kFarTooMany);
  expect_alive();
}

TEST_F(TransmissionTest, disc_finishes_what_is_under_way_and_closes) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  ByteVector all;
  for (int i = 0; i < 20; ++i) {
    const ByteVector read = NbdClient::request(0, 0, 4096);
    all.insert(all.end(), read.begin(), read.end());
  }
  const ByteVector disc = NbdClient::request(2, 0, 0);
  all.insert(all.end(), disc.begin(), disc.end());
  ASSERT_TRUE(client.send_all(all));
  ByteVector payload(4096);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(client.reply().error, 0U);
    ASSERT_TRUE(client.receive_all(payload));
  }
  EXPECT_TRUE(client.at_end());
}

TEST_F(TransmissionTest, a_half_closed_client_gets_its_replies) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  ASSERT_TRUE(client.send_all(NbdClient::request(0, 0, 4096, 0, 7)));
  client.shutdown_writes();
  EXPECT_EQ(client.reply().cookie, 7U);
  ByteVector payload(4096);
  EXPECT_TRUE(client.receive_all(payload));
  EXPECT_TRUE(client.at_end());
}

TEST_F(TransmissionTest, many_connections_see_each_others_writes) {
  std::vector<std::unique_ptr<NbdClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<NbdClient>(socket_path()));
    ASSERT_TRUE(clients.back()->go("disk"));
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    const ByteVector data(4096, static_cast<std::byte>(i + 1));
    ASSERT_EQ(clients[i]->write(i * 1000, data), 0U);
    for (auto& reader : clients) {
      ByteVector got(4096);
      ASSERT_EQ(reader->read(i * 1000, got), 0U);
      ASSERT_EQ(got, data);
    }
  }
}

TEST_F(TransmissionTest, requests_and_bytes_are_counted) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  ASSERT_EQ(client.write(0, ByteVector(1000)), 0U);
  ASSERT_EQ(client.call(Command::kFlush, 0, 0), 0U);
  const std::string text = registry_.render();
  EXPECT_NE(text.find("strata_nbd_requests_total{op=\"write\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("strata_nbd_requests_total{op=\"flush\"} 1"), std::string::npos);
  EXPECT_NE(text.find("strata_nbd_bytes_total{direction=\"write\"} 1000"), std::string::npos);
  EXPECT_NE(text.find("strata_nbd_request_seconds_count{op=\"write\"} 1"), std::string::npos);
  EXPECT_NE(text.find("strata_nbd_connections 1"), std::string::npos);
}

TEST_F(ServerTest, connections_beyond_the_limit_are_closed_at_once) {
  start({.connections_max = 2});
  NbdClient first(socket_path());
  NbdClient second(socket_path());
  ASSERT_TRUE(first.go("disk") && second.go("disk"));
  NbdClient third(socket_path());
  EXPECT_TRUE(third.at_end());
  ByteVector got(512);
  EXPECT_EQ(first.read(0, got), 0U);
}

TEST_F(ServerTest, an_export_has_its_own_limit_of_connections) {
  serve("other", device::MemoryDevice::create(kMiB).value());
  start({.threads = 2, .export_connections_max = 2});
  NbdClient first(socket_path());
  auto second = std::make_unique<NbdClient>(socket_path());
  ASSERT_TRUE(first.go("disk") && second->go("disk"));
  NbdClient third(socket_path());
  ASSERT_TRUE(third.greet());
  ASSERT_TRUE(third.send_option(Option::kGo, NbdClient::info_data("disk")));
  const auto refused = third.option_reply();
  EXPECT_EQ(refused.first, static_cast<uint32_t>(OptionReply::kErrorPolicy));
  EXPECT_NE(as_text(refused.second).find("limit of 2 connections"), std::string::npos);
  // INFO is no use of it, another export is served, and the handshake goes on.
  ASSERT_TRUE(third.send_option(Option::kInfo, NbdClient::info_data("disk")));
  while (true) {
    const auto reply = third.option_reply();
    if (reply.first == static_cast<uint32_t>(OptionReply::kAck)) break;
    ASSERT_EQ(reply.first, static_cast<uint32_t>(OptionReply::kInfo));
  }
  NbdClient elsewhere(socket_path());
  EXPECT_TRUE(elsewhere.go("other"));
  NbdClient old(socket_path());
  ASSERT_TRUE(old.greet() && old.send_option(Option::kExportName, as_bytes("disk")));
  EXPECT_TRUE(old.at_end());
  // A place that was left is free again.
  second.reset();
  const Deadline patience = Deadline::after(std::chrono::seconds(10));
  bool served = false;
  while (!served && !patience.passed(std::chrono::steady_clock::now())) {
    NbdClient next(socket_path());
    served = next.go("disk");
  }
  EXPECT_TRUE(served);
}

TEST_F(ServerTest, options_that_make_no_sense_are_refused) {
  for (const ServerOptions& bad :
       {ServerOptions{.threads = 0}, ServerOptions{.connections_max = 0},
        ServerOptions{.requests_in_flight_max = 0}, ServerOptions{.buffer_bytes_max = kMiB},
        ServerOptions{.export_bytes_max = kMiB}}) {
    const auto server = Server::start({}, exports_, registry_, bad);
    ASSERT_FALSE(server.ok());
    EXPECT_EQ(server.error().code, Code::kInvalidArgument);
  }
}

// Holds every request until the test lets it go, from the test's thread through the ring.
class HeldDevice final : public device::BlockDevice {
 public:
  [[nodiscard]] device::Geometry geometry() const noexcept override { return {.size_bytes = kMiB}; }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
    return std::unique_ptr<device::BlockQueue>(std::make_unique<Queue>(*this, ring));
  }
  void wait_for_requests(uint32_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ >= count; });
  }
  // One byte a request into the pipe that their operations read from.
  void let_go(uint32_t count) {
    const ByteVector bytes(count);
    CHECK(::write(pipe_[1], bytes.data(), count) == static_cast<ssize_t>(count));
  }
  HeldDevice() { CHECK(pipe2(pipe_, O_CLOEXEC) == 0); }
  ~HeldDevice() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }

 private:
  struct Queue final : device::BlockQueue {
    Queue(HeldDevice& owner, ring::Ring& its_ring) : device(owner), ring(its_ring) {}
    void submit(device::IoRequest& request) noexcept override {
      request.state.operation.request = &request;
      request.state.operation.complete = [](ring::Operation& op, int32_t result) noexcept {
        device::IoRequest& done = *static_cast<device::RequestOperation&>(op).request;
        done.complete(done, result == 1 ? 0 : -EIO);
      };
      ring.read(request.state.operation, device.pipe_[0], request.buffer.first(1), 0);
      const std::lock_guard lock(device.mutex_);
      ++device.held_;
      device.changed_.notify_all();
    }
    HeldDevice& device;
    ring::Ring& ring;
  };
  int pipe_[2] = {-1, -1};
  std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t held_ = 0;
};

TEST_F(ServerTest, stop_answers_what_is_under_way_and_then_closes) {
  HeldDevice held;
  exports_.add("held", held);
  start();
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("held"));
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send_all(NbdClient::request(0, 0, 512, 0, i)));
  }
  held.wait_for_requests(3);
  std::thread stopper([&] { server_->stop(Deadline::after(std::chrono::seconds(20))); });
  held.let_go(3);
  ByteVector payload(512);
  for (int i = 0; i < 3; ++i) {
    const auto reply = client.reply();
    EXPECT_TRUE(reply.ok);
    EXPECT_EQ(reply.error, 0U);
    EXPECT_TRUE(client.receive_all(payload));
  }
  EXPECT_TRUE(client.at_end());
  stopper.join();
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(ServerTest, a_client_that_vanishes_with_requests_at_the_disk_is_forgotten_after_them) {
  HeldDevice held;
  exports_.add("held", held);
  start();
  {
    NbdClient client(socket_path());
    ASSERT_TRUE(client.go("held"));
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send_all(NbdClient::request(0, 0, 512)));
    held.wait_for_requests(5);
  }
  expect_alive();
  EXPECT_GE(exports_.leases(), 1);
  held.let_go(5);
  server_->stop(Deadline::after(std::chrono::seconds(20)));
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(ServerTest, stop_does_not_wait_for_a_client_that_does_not_read) {
  start();
  NbdClient client(socket_path());
  ASSERT_TRUE(client.go("disk"));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client.send_all(NbdClient::request(0, 0, kMiB)));
  // A second request is answered only after the first ones were taken.
  expect_alive();
  const auto before = std::chrono::steady_clock::now();
  server_->stop(Deadline::after(std::chrono::milliseconds(200)));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ServerTest, tcp_serves_the_same_as_unix_sockets) {
  uint16_t port = 0;
  std::vector<nbd::Listener> listeners;
  listeners.push_back({testing::listen_tcp(port)});
  listeners.push_back({testing::listen_unix(socket_path())});
  auto server = Server::start(std::move(listeners), exports_, registry_, {});
  ASSERT_TRUE(server.ok());
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ByteVector greeting(18);
  ASSERT_EQ(recv(fd.get(), greeting.data(), greeting.size(), MSG_WAITALL), 18);
  EXPECT_EQ(load_big<uint64_t>(greeting.data()), kServerMagic);
  expect_alive();
}

}  // namespace
}  // namespace strata::nbd
