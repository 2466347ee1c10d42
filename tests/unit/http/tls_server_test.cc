// The server under TLS: the same answers, whatever the peer does before and around them.
#include <gtest/gtest.h>

#include "common/http/server.h"
#include "common/tls/session.h"
#include "tests/support/self_signed.h"
#include "tests/unit/http/test_server.h"

namespace strata::http::test {
namespace {

using strata::testing::PemPair;
using strata::testing::self_signed;

std::shared_ptr<const tls::Context> server_context(const PemPair& pair) {
  tls::ServerOptions options;
  options.identity = tls::Identity{pair.certificate, pair.key};
  options.alpn = {"http/1.1"};
  return tls::Context::server(std::move(options)).value();
}

// A RawClient under TLS.
class TlsClient {
 public:
  TlsClient(uint16_t port, const PemPair& pair) : raw_(port), session_(trusting(pair)) {}

  // False if the server refuses.
  bool shake_hands() {
    while (!session_.established()) {
      Bytes input = as_bytes(received_);
      const size_t before = input.size();
      if (!session_.handshake(input).ok()) return false;
      received_.erase(0, before - input.size());
      if (!flush()) return false;
      if (!session_.established() && !receive()) return false;
    }
    return flush();
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      text.remove_prefix(session_.write(as_bytes(text)).value());
      if (!flush()) return false;
    }
    return true;
  }
  // Decrypted bytes until this many are there or the connection ends.
  std::string read(size_t bytes) {
    while (plain_.size() < bytes && read_some()) {
    }
    return std::exchange(plain_, {});
  }
  std::string read_to_end() { return read(std::string::npos); }
  [[nodiscard]] bool ended() const noexcept { return session_.ended(); }
  [[nodiscard]] std::string alpn() const { return session_.alpn(); }
  RawClient& raw() noexcept { return raw_; }

 private:
  static std::shared_ptr<const tls::Context> trusting(const PemPair& pair) {
    tls::ClientOptions options;
    options.ca_pem = pair.certificate;
    options.server_name = "localhost";
    options.alpn = {"http/1.1"};
    return tls::Context::client(std::move(options)).value();
  }
  bool flush() {
    const std::string out = to_string(session_.output());
    session_.consume(out.size());
    return out.empty() || raw_.send(out);
  }
  bool receive() {
    char piece[64 * 1024];
    const ssize_t got = ::recv(raw_.fd(), piece, sizeof piece, 0);
    if (got <= 0) return false;
    received_.append(piece, static_cast<size_t>(got));
    return true;
  }
  bool read_some() {
    std::vector<std::byte> into(64 * 1024);
    Bytes input = as_bytes(received_);
    const size_t before = input.size();
    const Result<size_t> got = session_.read(input, into);
    received_.erase(0, before - input.size());
    if (!got.ok()) return false;
    plain_ += as_text(Bytes(into).first(*got));
    return *got > 0 || (!session_.ended() && receive());
  }

  RawClient raw_;
  tls::Session session_;
  std::string received_;
  std::string plain_;
};

class TlsServer : public ::testing::Test {
 protected:
  static ServerLimits limits() {
    ServerLimits out;
    out.handshake_timeout = 300ms;
    return out;
  }
  const PemPair pair_ = self_signed();
  tls::CurrentContext context_{server_context(pair_)};
  TestServer server_{limits(), {}, &context_};
};

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

TEST_F(TlsServer, answers_as_it_does_in_the_clear) {
  TlsClient client(server_.port(), pair_);
  ASSERT_TRUE(client.shake_hands());
  EXPECT_EQ(client.alpn(), "http/1.1");
  client.send(get("/one") + get("/two", "Connection: close\r\n"));
  const std::string all = client.read_to_end();
  EXPECT_NE(all.find("hello /one"), std::string::npos);
  EXPECT_NE(all.find("hello /two"), std::string::npos);
  EXPECT_TRUE(client.ended()) << "the server says that it ends";
}

TEST_F(TlsServer, large_bodies_flow_both_ways) {
  TlsClient client(server_.port(), pair_);
  ASSERT_TRUE(client.shake_hands());
  constexpr size_t kBytes = 3'000'000;
  std::string body(kBytes, '\0');
  for (size_t i = 0; i < kBytes; ++i) body[i] = pattern_byte(i);
  client.send("PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(kBytes) +
              "\r\n\r\n" + body);
  EXPECT_NE(client.read(100).find(std::to_string(kBytes) + " 0"), std::string::npos);
  client.send(get("/stream?" + std::to_string(kBytes), "Connection: close\r\n"));
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.ends_with(body));
}

TEST_F(TlsServer, plain_http_is_told_where_it_is) {
  RawClient client(server_.port());
  client.send(get("/"));
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("HTTPS"), std::string::npos);
}

TEST_F(TlsServer, a_handshake_that_does_not_end_is_broken_off) {
  RawClient client(server_.port());
  client.send("\x16\x03\x01");
  EXPECT_EQ(client.read_to_end(), "");
  RawClient silent(server_.port());
  EXPECT_EQ(silent.read_to_end(), "");
  server_.observer.wait_until_all_closed(2);
}

TEST_F(TlsServer, bytes_altered_on_the_way_end_the_connection) {
  TlsClient client(server_.port(), pair_);
  ASSERT_TRUE(client.shake_hands());
  client.raw().send(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  EXPECT_EQ(client.read_to_end(), "");
  server_.observer.wait_until_all_closed(1);
}

TEST_F(TlsServer, a_new_certificate_is_for_new_connections) {
  TlsClient old(server_.port(), pair_);
  ASSERT_TRUE(old.shake_hands());
  const PemPair renewed = self_signed();
  context_.set(server_context(renewed));
  TlsClient fresh(server_.port(), renewed);
  EXPECT_TRUE(fresh.shake_hands());
  TlsClient distrusting(server_.port(), pair_);
  EXPECT_FALSE(distrusting.shake_hands());
  old.send(get("/still", "Connection: close\r\n"));
  EXPECT_NE(old.read_to_end().find("hello /still"), std::string::npos);
}

TEST_F(TlsServer, a_client_may_go_at_any_byte_of_the_handshake) {
  for (size_t bytes : {size_t{1}, size_t{5}, size_t{6}, size_t{60}, size_t{200}}) {
    RawClient client(server_.port());
    std::string hello = "\x16\x03\x01";
    hello += '\x02';
    hello += std::string("\x00\x01\x00\x01\xfc\x03\x03", 7) + std::string(600, '\x01');
    client.send(hello.substr(0, bytes));
    client.close();
  }
  server_.observer.wait_until_all_closed(5);
}

}  // namespace
}  // namespace strata::http::test
