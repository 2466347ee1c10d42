// The life of requests on connections: what a well-meaning client sees.
#include "common/http/server.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/http/test_server.h"

namespace strata::http::test {
namespace {

std::string get_request(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
std::string put(const std::string& target, const std::string& body,
                const std::string& fields = {}) {
  return "PUT " + target +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

TEST(Server, a_connection_serves_one_request_after_another) {
  TestServer server;
  RawClient client(server.port());
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    client.send(get_request("/" + std::to_string(i)));
    const Answer answer = client.read_answer();
    ASSERT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello /" + std::to_string(i));
    EXPECT_TRUE(answer.has("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(answer.has("\r\nServer: Strata"));
    EXPECT_TRUE(answer.has("\r\nDate: "));
    EXPECT_TRUE(answer.has(" GMT\r\n"));
    EXPECT_FALSE(answer.has("Connection:"));
    ids.insert(answer.head.substr(answer.head.find("x-id: ") + 6, 16));
  }
  EXPECT_EQ(ids.size(), 50U);
  EXPECT_EQ(server.observer.opened(), 1U);
}

TEST(Server, pipelined_requests_are_answered_in_order) {
  TestServer server;
  RawClient client(server.port());
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all +=
        get_request("/" + std::to_string(i)) + put("/echo", "body " + std::to_string(i)) +
        "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  }
  client.send(all);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.read_answer().body, "hello /" + std::to_string(i));
    EXPECT_EQ(client.read_answer().body, "body " + std::to_string(i));
    EXPECT_EQ(client.read_answer().body, "abc");
  }
  server.observer.wait_for_exchanges(60);
  const auto exchanges = server.observer.exchanges();
  EXPECT_EQ(exchanges[0].request_bytes, get_request("/0").size());
  EXPECT_EQ(exchanges[1].request_bytes, put("/echo", "body 0").size());
}

TEST(Server, a_request_may_arrive_byte_by_byte_with_the_next_one_behind) {
  TestServer server;
  const std::string request =
      "PUT /echo?a=b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nA: b\r\n\r\n" +
      put("/echo", "second");
  for (size_t cut = 1; cut < request.size(); ++cut) {
    RawClient client(server.port());
    client.send(request.substr(0, cut));
    client.send(request.substr(cut));
    ASSERT_EQ(client.read_answer().body, "hello!") << cut;
    ASSERT_EQ(client.read_answer().body, "second") << cut;
  }
  RawClient client(server.port());
  for (const char byte : request) client.send({&byte, 1});
  EXPECT_EQ(client.read_answer().body, "hello!");
  EXPECT_EQ(client.read_answer().body, "second");
}

TEST(Server, a_body_is_asked_for_when_it_is_first_read) {
  TestServer server;
  RawClient client(server.port());
  client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  const Answer go_on = client.read_answer();
  EXPECT_EQ(go_on.status, 100);
  EXPECT_EQ(go_on.head, "HTTP/1.1 100 Continue");
  client.send("body");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "body");
  EXPECT_FALSE(answer.has("Connection: close"));
  client.send(get_request("/next"));
  EXPECT_EQ(client.read_answer().body, "hello /next");
}

TEST(Server, a_body_that_nobody_reads_is_not_asked_for) {
  TestServer server;
  RawClient client(server.port());
  client.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Connection: close"));
  client.finish_sending();
  EXPECT_TRUE(client.ended());
}

TEST(Server, a_body_sent_without_waiting_needs_no_asking) {
  TestServer server;
  RawClient client(server.port());
  client.send(put("/echo", "body", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.read_answer().body, "body");
}

TEST(Server, a_short_body_that_nobody_reads_is_passed_over) {
  TestServer server;
  RawClient client(server.port());
  client.send(put("/x", std::string(200'000, 'x')) + get_request("/next"));
  const Answer first = client.read_answer();
  EXPECT_EQ(first.status, 200);
  EXPECT_FALSE(first.has("Connection: close"));
  EXPECT_EQ(client.read_answer().body, "hello /next");
  client.send(
      "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      get_request("/last"));
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.read_answer().body, "hello /last");
}

TEST(Server, a_client_that_is_still_sending_gets_the_early_answer) {
  TestServer server;
  for (const bool chunked : {false, true}) {
    RawClient client(server.port());
    const std::string body(16 * kMiB, 'x');
    std::string request = "PUT /x HTTP/1.1\r\nHost: h\r\n";
    request += chunked ? "Transfer-Encoding: chunked\r\n\r\n1000000\r\n"
                       : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    // Everything is sent before anything is read, as Python's http.client does.
    EXPECT_TRUE(client.send(request));
    EXPECT_TRUE(client.send(body));
    EXPECT_TRUE(client.send(chunked ? "\r\n0\r\n\r\n" : ""));
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(client.ended());
  }
}

TEST(Server, a_head_request_gets_the_length_and_no_body) {
  TestServer server;
  RawClient client(server.port());
  client.send(
      "HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\nHEAD /head HTTP/1.1\r\nHost: h\r\n\r\n"
      "HEAD /stream?777 HTTP/1.1\r\nHost: h\r\n\r\n" +
      get_request("/end"));
  EXPECT_TRUE(client.read_answer(true).has("Content-Length: 10"));
  EXPECT_TRUE(client.read_answer(true).has("Content-Length: 12345"));
  EXPECT_TRUE(client.read_answer(true).has("Content-Length: 777"));
  EXPECT_EQ(client.read_answer().body, "hello /end");
}

TEST(Server, no_content_has_no_length) {
  TestServer server;
  RawClient client(server.port());
  client.send(get_request("/empty") + get_request("/end"));
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 204);
  EXPECT_FALSE(answer.has("Content-Length"));
  EXPECT_EQ(client.read_answer().body, "hello /end");
}

TEST(Server, an_old_client_is_kept_only_if_it_asks) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.read_answer().has("Connection: keep-alive"));
  client.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.read_answer().has("Connection: close"));
  EXPECT_TRUE(client.ended());
}

TEST(Server, a_handler_that_does_not_answer_is_answered_for) {
  TestServer server;
  RawClient client(server.port());
  client.send(get_request("/silent"));
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "500 the request was not answered");
}

TEST(Server, nothing_in_a_response_field_ends_its_line) {
  TestServer server;
  RawClient client(server.port());
  client.send(get_request("/inject"));
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.body, "safe");
  EXPECT_TRUE(answer.has("x-value: one  Set-Cookie: two\r\n"));
  EXPECT_FALSE(answer.has("x-bad"));
  EXPECT_FALSE(answer.has("9999"));
}

TEST(Server, every_exchange_is_told_with_its_bytes) {
  TestServer server;
  RawClient client(server.port());
  const std::string request = put("/echo?secret=1", "12345");
  client.send(request);
  const Answer answer = client.read_answer();
  server.observer.wait_for_exchanges(1);
  const auto seen = server.observer.exchanges().at(0);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.path, "/echo");
  EXPECT_EQ(seen.operation, "Test");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.request_bytes, request.size());
  EXPECT_EQ(seen.response_bytes, answer.head.size() + 4 + answer.body.size());
}

TEST(Server, listens_on_unix_sockets_too) {
  const std::string path = testing::TempDir() + "/strata_http_test.sock";
  TestServer server({}, path);
  const ClientResponse echoed =
      request_over_unix(path, "PUT", "/echo", std::string(300'000, 'u'), 30s).value();
  EXPECT_EQ(echoed.status, 200);
  EXPECT_EQ(echoed.body, std::string(300'000, 'u'));
  EXPECT_EQ(request_over_unix(path, "GET", "/a", "", 30s).value().body, "hello /a");
  EXPECT_EQ(request_over_unix(path, "HEAD", "/a", "", 30s).value().status, 200);
  EXPECT_EQ(request_over_unix(path, "GET", "/empty", "", 30s).value().status, 204);
  EXPECT_EQ(request_over_unix(path, "GET", "/stream?100000,50", "", 30s).error().code,
            Code::kClosed);
  EXPECT_EQ(request_over_unix(path, "GET", "/stream?100000000", "", 30s).error().code,
            Code::kTooLarge);
  EXPECT_EQ(request_over_unix(path, "GET", "/a b", "", 30s).error().code, Code::kInvalidArgument);
  server.stop();
  EXPECT_FALSE(request_over_unix(path, "GET", "/a", "", 30s).ok());
}

TEST(Server, read_all_stops_at_its_limit) {
  TestServer server;
  RawClient client(server.port());
  client.send(put("/echo", std::string(1 * kMiB, 'x')));
  EXPECT_EQ(client.read_answer().body.size(), 1 * kMiB);
  client.send(put("/echo", std::string(1 * kMiB + 1, 'x')));
  EXPECT_EQ(client.read_answer().status, 413);
}

}  // namespace
}  // namespace strata::http::test
