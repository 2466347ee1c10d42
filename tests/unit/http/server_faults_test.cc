// Clients that break off, are slow, lie or come in crowds; handlers whose sources fail; stopping.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "common/http/server.h"
#include "tests/unit/http/test_server.h"

namespace strata::http::test {
namespace {

// Sanitizers keep shadow memory and freed blocks, so memory is not judged with them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsJudged = false;
#else
constexpr bool kMemoryIsJudged = true;
#endif

std::string get_of(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

// A number from /proc/self/status, in KiB.
uint64_t process_kib(const std::string& name) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(name)) return std::strtoull(line.c_str() + name.size(), nullptr, 10);
  }
  return 0;
}

TEST(ServerFaults, a_refused_head_is_answered_and_the_connection_closed) {
  TestServer server;
  RawClient client(server.port());
  client.send(
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "x" +
      get_of("/smuggled"));
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "400 Content-Length and Transfer-Encoding exclude each other");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(answer.has("x-id: "));
  EXPECT_TRUE(client.ended());
  server.observer.wait_for_exchanges(1);
  EXPECT_EQ(server.observer.exchanges().at(0).status, 400);
  EXPECT_EQ(server.observer.exchanges().size(), 1U);
}

TEST(ServerFaults, a_head_beyond_the_limit_is_refused_even_while_it_is_sent) {
  TestServer server;
  RawClient client(server.port());
  EXPECT_TRUE(client.send("GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(4 * kMiB, 'a')));
  EXPECT_EQ(client.read_answer().status, 431);
  EXPECT_TRUE(client.ended());
}

TEST(ServerFaults, a_head_up_to_the_limit_is_served) {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /a HTTP/1.1\r\nHost: h\r\nA: " + std::string(31 * kKiB, 'a') + "\r\n\r\n");
    EXPECT_EQ(client.read_answer().body, "hello /a");
  }
}

TEST(ServerFaults, broken_chunks_are_the_handlers_error_and_end_the_connection) {
  TestServer server;
  RawClient client(server.port());
  client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_EQ(server.handler.last_body_error, static_cast<int>(Code::kInvalidArgument));
}

TEST(ServerFaults, a_short_body_is_the_handlers_error) {
  TestServer server;
  RawClient client(server.port());
  client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
  client.finish_sending();
  EXPECT_EQ(client.read_answer().status, 400);
  EXPECT_EQ(server.handler.last_body_error, static_cast<int>(Code::kClosed));
}

TEST(ServerFaults, a_client_may_go_at_any_byte_and_nothing_is_left) {
  TestServer server;
  const std::string request =
      "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\nGET /stream?3000000 HTTP/1.1\r\nHost: h\r\n\r\n";
  for (size_t length = 0; length <= request.size(); ++length) {
    RawClient client(server.port());
    client.send(request.substr(0, length));
    client.close();  // with answers unread: a reset
  }
  server.observer.wait_until_all_closed(request.size() + 1);
}

TEST(ServerFaults, a_client_may_go_within_an_answer) {
  TestServer server;
  RawClient client(server.port());
  client.send(get_of("/stream?100000000"));
  EXPECT_TRUE(client.receive());
  client.close();
  server.observer.wait_until_all_closed(1);
  server.observer.wait_for_exchanges(1);
  EXPECT_LT(server.observer.exchanges().at(0).response_bytes, 100'000'000U);
}

TEST(ServerFaults, a_slow_head_is_answered_408) {
  ServerLimits limits;
  limits.head_timeout = 50ms;
  TestServer server(limits);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(client.read_answer().status, 408);
  EXPECT_TRUE(client.ended());
}

TEST(ServerFaults, an_idle_connection_is_closed_without_a_word) {
  ServerLimits limits;
  limits.idle_timeout = 50ms;
  TestServer server(limits);
  RawClient fresh(server.port());
  EXPECT_TRUE(fresh.ended());
  RawClient used(server.port());
  used.send(get_of("/a"));
  EXPECT_EQ(used.read_answer().status, 200);
  EXPECT_TRUE(used.ended());
}

TEST(ServerFaults, a_body_that_stops_ends_in_a_timeout) {
  ServerLimits limits;
  limits.body_timeout = 50ms;
  TestServer server(limits);
  RawClient client(server.port());
  client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
  EXPECT_EQ(client.read_answer().status, 400);
  EXPECT_EQ(server.handler.last_body_error, static_cast<int>(Code::kTimeout));
  EXPECT_TRUE(client.ended());
}

TEST(ServerFaults, a_body_that_drips_is_given_up_though_it_never_stops) {
  ServerLimits limits;
  limits.body_grace = 200ms;
  limits.body_bytes_per_second_min = 1000;
  TestServer server(limits);
  RawClient client(server.port());
  client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  // A byte whenever the last one was taken, until the server has had enough.
  for (int sent = 0; sent < 100'000 && server.handler.last_body_error < 0; ++sent) {
    if (!client.send("x")) break;
    pollfd answered{client.fd(), POLLIN, 0};
    if (::poll(&answered, 1, 20) == 1) break;
  }
  EXPECT_EQ(client.read_answer().status, 400);
  EXPECT_EQ(server.handler.last_body_error, static_cast<int>(Code::kTimeout));
}

TEST(ServerFaults, a_client_that_does_not_read_is_given_up) {
  ServerLimits limits;
  limits.body_timeout = 100ms;
  TestServer server(limits);
  RawClient client(server.port());
  client.send(get_of("/stream?1000000000"));
  server.observer.wait_until_all_closed(1);
}

TEST(ServerFaults, a_source_that_fails_within_the_body_breaks_the_connection) {
  TestServer server;
  RawClient client(server.port());
  client.send(get_of("/stream?3000000,1000000"));
  const Answer answer = client.read_answer();
  EXPECT_TRUE(answer.has("Content-Length: 3000000"));
  EXPECT_EQ(answer.status, 0) << "the body must not look whole";
  server.observer.wait_until_all_closed(1);
}

TEST(ServerFaults, a_source_that_fails_before_its_first_piece_can_be_answered_otherwise) {
  TestServer server;
  RawClient client(server.port());
  client.send(get_of("/stream?3000000,0") + get_of("/next"));
  EXPECT_EQ(client.read_answer().status, 502);
  EXPECT_EQ(client.read_answer().body, "hello /next");
}

TEST(ServerFaults, a_source_that_told_its_end_is_not_asked_for_it) {
  TestServer server;
  for (const uint64_t length : {uint64_t{1}, 70'000UL, 262'144UL, 3'000'000UL}) {
    RawClient client(server.port());
    const std::string number = std::to_string(length);
    client.send(get_of("/stream?" + number + "," + number + "&ended"));  // asked, it would fail
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, 200);
    ASSERT_EQ(answer.body.size(), length);
    for (uint64_t i = 0; i < length; ++i) ASSERT_EQ(answer.body[i], pattern_byte(i)) << i;
  }
}

TEST(ServerFaults, a_source_that_fails_at_its_end_never_delivers_a_whole_body) {
  TestServer server;
  for (const uint64_t length : {uint64_t{1}, 70'000UL, 262'144UL, 3'000'000UL}) {
    RawClient client(server.port());
    // The source gives every byte and then reports, as one that verifies a checksum does.
    const std::string number = std::to_string(length);
    client.send(get_of("/stream?" + number + "," + number));
    EXPECT_NE(client.read_answer().status, 200) << length;
  }
}

TEST(ServerFaults, large_bodies_flow_both_ways_in_bounded_memory) {
  TestServer server;
  constexpr uint64_t kLength = (kMemoryIsJudged ? 100 : 8) * kMiB;
  const uint64_t before = process_kib("VmRSS:");
  RawClient client(server.port());
  std::string piece(64 * kKiB, '\0');
  client.send("PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(kLength) +
              "\r\n\r\n");
  for (uint64_t at = 0; at < kLength; at += piece.size()) {
    for (size_t i = 0; i < piece.size(); ++i) piece[i] = pattern_byte(at + i);
    ASSERT_TRUE(client.send(piece));
  }
  EXPECT_EQ(client.read_answer().body, std::to_string(kLength) + " 0");
  client.send("GET /stream?" + std::to_string(kLength) + " HTTP/1.1\r\nHost: h\r\n" +
              "Connection: close\r\n\r\n");
  uint64_t received = 0;
  uint64_t wrong = 0;
  std::string head;
  std::string buffer(256 * kKiB, '\0');
  ssize_t got;
  while ((got = ::recv(client.fd(), buffer.data(), buffer.size(), 0)) > 0) {
    size_t start = 0;
    if (size_t end = 0; received == 0 && !head.ends_with("\r\n\r\n")) {
      const std::string_view text(buffer.data(), static_cast<size_t>(got));
      end = text.find("\r\n\r\n");
      ASSERT_NE(end, std::string_view::npos);
      head = text.substr(0, end + 4);
      start = end + 4;
    }
    for (size_t i = start; i < static_cast<size_t>(got); ++i) {
      wrong += buffer[i] != pattern_byte(received++);
    }
  }
  EXPECT_EQ(received, kLength);
  EXPECT_EQ(wrong, 0U);
  if (kMemoryIsJudged) {
    EXPECT_LT(process_kib("VmHWM:"), before + 32 * 1024);
  }
}

TEST(ServerFaults, a_thousand_idle_connections_are_small_and_still_served) {
  TestServer server;
  constexpr size_t kCount = 1000;
  std::vector<std::unique_ptr<RawClient>> clients;
  const uint64_t before = process_kib("VmRSS:");
  for (size_t i = 0; i < kCount; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    ASSERT_TRUE(clients.back()->connected());
    clients.back()->send(get_of("/a"));
    ASSERT_EQ(clients.back()->read_answer().status, 200);
  }
  const uint64_t grown = process_kib("VmRSS:") - before;
  // 256 MiB for ten thousand; both ends are in this process here.
  if (kMemoryIsJudged) {
    EXPECT_LT(grown / kCount, 26U) << "KiB a connection";
  }
  RecordProperty("kib_a_connection", static_cast<int>(grown / kCount));
  for (auto& client : clients) client->send(get_of("/again"));
  for (auto& client : clients) EXPECT_EQ(client->read_answer().body, "hello /again");
  clients.clear();
  server.observer.wait_until_all_closed(kCount);
}

TEST(ServerFaults, connections_beyond_the_limit_are_told_so) {
  ServerLimits limits;
  limits.connections_max = 3;
  TestServer server(limits);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(get_of("/a"));
    ASSERT_EQ(clients.back()->read_answer().status, 200);
  }
  RawClient beyond(server.port());
  beyond.send(get_of("/a"));
  const Answer refused = beyond.read_answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.has("Connection: close"));
  EXPECT_TRUE(beyond.ended());
  clients.clear();
  server.observer.wait_until_all_closed(3);
  RawClient after(server.port());
  after.send(get_of("/a"));
  EXPECT_EQ(after.read_answer().status, 200);
}

TEST(ServerStop, closes_idle_connections_and_takes_no_new_ones) {
  TestServer server;
  RawClient idle(server.port());
  idle.send(get_of("/a"));
  ASSERT_EQ(idle.read_answer().status, 200);
  RawClient silent(server.port());
  server.observer.wait_for_opened(2);
  const uint16_t port = server.port();
  const auto began = std::chrono::steady_clock::now();
  server.stop(Deadline::after(60s));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s) << "they were waited for, not closed";
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(silent.ended());
  server.observer.wait_until_all_closed(2);
  RawClient late(port);
  EXPECT_FALSE(late.connected());
}

TEST(ServerStop, lets_a_request_under_way_finish) {
  TestServer server;
  RawClient client(server.port());
  client.send(get_of("/hold"));
  server.handler.holds.wait_for(1);
  std::thread stopper([&] { server.stop(Deadline::after(60s)); });
  while (RawClient(server.port()).connected()) std::this_thread::yield();  // until it has begun
  server.handler.holds.release();
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.body, "held");
  client.close();
  stopper.join();
}

TEST(ServerStop, breaks_off_at_its_deadline) {
  TestServer server;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(i % 2 == 0 ? get_of("/stream?1000000000")
                                    : "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
  }
  server.observer.wait_for_opened(4);
  EXPECT_TRUE(clients[0]->receive());
  EXPECT_TRUE(clients[2]->receive());
  const auto began = std::chrono::steady_clock::now();
  server.stop(Deadline::after(50ms));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  server.observer.wait_until_all_closed(4);
}

TEST(ServerStop, may_come_while_clients_come) {
  for (int round = 0; round < 20; ++round) {
    TestServer server;
    const uint16_t port = server.port();
    std::atomic<bool> enough{false};
    std::thread crowd([&] {
      while (!enough) {
        RawClient client(port);
        if (!client.connected()) continue;
        client.send(get_of("/a"));
        const Answer answer = client.read_answer();
        EXPECT_TRUE(answer.status == 200 || answer.status == 0) << answer.status;
      }
    });
    server.observer.wait_for_exchanges(5);
    server.stop(Deadline::after(5s));
    enough = true;
    crowd.join();
    server.observer.wait_until_all_closed(5);
  }
}

}  // namespace
}  // namespace strata::http::test
