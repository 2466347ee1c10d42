// STARTTLS through a real socket: what must be protected is, and what was not is forgotten.
#include <algorithm>
#include <cerrno>

#include "common/tls/session.h"
#include "tests/support/nbd_session.h"
#include "tests/unit/nbd/server_fixture.h"

namespace strata::nbd {
namespace {

using testing::NbdSession;
using SessionForm = NbdSession::Form;

constexpr uint32_t reply_number(OptionReply reply) {
  return static_cast<uint32_t>(reply);
}

tls::ClientOptions client_options(const std::string& key) {
  tls::ClientOptions options;
  options.psk_identity = "client";
  options.psk_key = key;
  return options;
}

tls::ServerOptions server_options(const std::string& key) {
  tls::ServerOptions options;
  options.psk["client"] = key;
  return options;
}

// A client that goes on inside TLS after start().
class TlsClient : public NbdSession {
 public:
  explicit TlsClient(const std::string& path) : NbdSession(path) {}

  // STARTTLS and the handshake. False if the server refuses either.
  bool start(const std::string& key) {
    if (ask(Option::kStartTls) != reply_number(OptionReply::kAck)) return false;
    auto context = tls::Context::client(client_options(key));
    CHECK(context.ok(), context.ok() ? "" : context.error().message);
    tls_ = std::make_unique<tls::Session>(std::move(context).value());
    while (true) {
      Bytes input(cipher_);
      const Status status = tls_->handshake(input);
      cipher_.erase(cipher_.begin(), cipher_.end() - static_cast<ptrdiff_t>(input.size()));
      if (!flush() || !status.ok()) return false;
      if (tls_->established()) return true;
      if (!more()) return false;
    }
  }
  bool send_all(Bytes bytes) override {
    if (tls_ == nullptr) return NbdClient::send_all(bytes);
    while (!bytes.empty()) {
      const auto taken = tls_->write(bytes);
      if (!taken.ok()) return false;
      bytes = bytes.subspan(*taken);
      if (!flush()) return false;
    }
    return true;
  }
  bool receive_all(MutableBytes bytes) override {
    if (tls_ == nullptr) return NbdClient::receive_all(bytes);
    while (!bytes.empty()) {
      Bytes input(cipher_);
      const auto got = tls_->read(input, bytes);
      cipher_.erase(cipher_.begin(), cipher_.end() - static_cast<ptrdiff_t>(input.size()));
      if (!got.ok() || tls_->ended()) return false;
      bytes = bytes.subspan(*got);
      if (!bytes.empty() && *got == 0 && !more()) return false;
    }
    return true;
  }
  // Whether the server ended the session in order.
  bool ended_in_order() {
    ByteVector one(1);
    return !receive_all(one) && tls_->ended();
  }

 private:
  bool flush() {
    const Bytes output = tls_->output();
    const bool sent = NbdClient::send_all(output);
    tls_->consume(output.size());
    return sent;
  }
  bool more() {
    std::array<std::byte, 65536> piece;
    ssize_t got = -1;
    do {
      got = ::recv(fd(), piece.data(), piece.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    cipher_.insert(cipher_.end(), piece.begin(), piece.begin() + got);
    return true;
  }
  std::unique_ptr<tls::Session> tls_;
  ByteVector cipher_;
};

class TlsTest : public ServerTest {
 protected:
  const std::string key_ = "0123456789abcdef0123456789abcdef";

  void serve(TlsMode mode) {
    auto made = tls::Context::server(server_options(key_));
    ASSERT_TRUE(made.ok()) << made.error().message;
    context_ = std::make_unique<tls::CurrentContext>(std::move(made).value());
    tls_ = mode;
    start({.tls = context_.get()});
  }
  std::unique_ptr<tls::CurrentContext> context_;
};

TEST_F(TlsTest, every_form_of_session_works_inside) {
  serve(TlsMode::kRequired);
  for (const SessionForm form :
       {SessionForm::kSimple, SessionForm::kStructured, SessionForm::kExtended}) {
    TlsClient client(socket_path());
    ASSERT_TRUE(client.greet() && client.start(key_));
    ASSERT_TRUE(client.agree("disk", form));
    ByteVector data(3 * kMiB + 17);
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 13 >> 4);
    ASSERT_TRUE(client.put(12345, data).ok);
    const auto got = client.ask_for(Command::kRead, 12345, data.size());
    ASSERT_TRUE(got.ok && got.error == 0);
    EXPECT_TRUE(got.data == data);
    ASSERT_TRUE(client.send_all(client.make_request(Command::kDisconnect, 0, 0)));
    EXPECT_TRUE(client.ended_in_order());
  }
}

TEST_F(TlsTest, where_tls_is_required_nothing_is_told_before_it) {
  serve(TlsMode::kRequired);
  NbdSession plain(socket_path());
  ASSERT_TRUE(plain.greet());
  for (const uint32_t option : {3U, 6U, 7U, 8U, 9U, 10U, 11U, 99U}) {
    ASSERT_TRUE(plain.send_all(NbdSession::option(option, NbdSession::info_data("disk"), 10)));
    const auto reply = plain.option_reply();
    EXPECT_EQ(reply.first, reply_number(OptionReply::kErrorTlsRequired)) << option;
  }
  EXPECT_EQ(plain.ask(Option::kAbort), reply_number(OptionReply::kAck));
  NbdSession old(socket_path());
  ASSERT_TRUE(old.greet());
  ASSERT_TRUE(old.send_option(Option::kExportName, as_bytes("disk")));
  EXPECT_TRUE(old.at_end());
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(TlsTest, where_tls_is_optional_both_are_served_and_off_means_unsupported) {
  serve(TlsMode::kOptional);
  expect_alive();
  TlsClient client(socket_path());
  ASSERT_TRUE(client.greet() && client.start(key_) && client.agree("disk", SessionForm::kSimple));
  EXPECT_EQ(client.ask_for(Command::kRead, 0, 512).error, 0U);
}

TEST_F(TlsTest, without_keys_starttls_is_unsupported_and_the_handshake_goes_on) {
  start();
  NbdSession client(socket_path());
  ASSERT_TRUE(client.greet());
  EXPECT_EQ(client.ask(Option::kStartTls), reply_number(OptionReply::kErrorUnsupported));
  EXPECT_TRUE(client.agree("disk", SessionForm::kSimple));
}

TEST_F(TlsTest, a_second_starttls_and_one_with_data_are_invalid) {
  serve(TlsMode::kOptional);
  TlsClient client(socket_path());
  ASSERT_TRUE(client.greet());
  EXPECT_EQ(client.ask(Option::kStartTls, as_bytes("x")), reply_number(OptionReply::kErrorInvalid));
  ASSERT_TRUE(client.start(key_));
  EXPECT_EQ(client.ask(Option::kStartTls), reply_number(OptionReply::kErrorInvalid));
  EXPECT_TRUE(client.agree("disk", SessionForm::kSimple));
}

TEST_F(TlsTest, what_was_agreed_on_before_tls_is_forgotten) {
  serve(TlsMode::kOptional);
  TlsClient client(socket_path());
  ASSERT_TRUE(client.greet());
  ASSERT_EQ(client.ask(Option::kStructuredReply), reply_number(OptionReply::kAck));
  ASSERT_TRUE(client.start(key_));
  // Were it still agreed on, this would be refused.
  EXPECT_EQ(client.ask(Option::kStructuredReply), reply_number(OptionReply::kAck));
}

TEST_F(TlsTest, bytes_sent_before_tls_are_dropped) {
  serve(TlsMode::kRequired);
  NbdSession client(socket_path());
  ASSERT_TRUE(client.greet());
  // An attacker's option, joined to STARTTLS in one packet: it must never be answered inside.
  ByteVector both = NbdSession::option(5, {}, 0);
  const ByteVector list = NbdSession::option(3, {}, 0);
  both.insert(both.end(), list.begin(), list.end());
  ASSERT_TRUE(client.send_all(both));
  EXPECT_EQ(client.option_reply().first, reply_number(OptionReply::kAck));
  // The server waits for a ClientHello now, and what comes is none.
  ASSERT_TRUE(client.send_all(list));
  ByteVector rest(1);
  while (client.receive_all(rest)) EXPECT_NE(rest[0], std::byte{0x03});
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(TlsTest, a_wrong_key_is_refused_and_a_silent_handshake_is_closed) {
  tls_ = TlsMode::kRequired;
  auto made = tls::Context::server(server_options(key_));
  context_ = std::make_unique<tls::CurrentContext>(std::move(made).value());
  start({.handshake_time = std::chrono::milliseconds(300), .tls = context_.get()});
  TlsClient wrong(socket_path());
  ASSERT_TRUE(wrong.greet());
  if (wrong.start("another-key-of-32-bytes-0123456")) {
    EXPECT_FALSE(wrong.agree("disk", SessionForm::kSimple));
  }
  NbdSession silent(socket_path());
  ASSERT_TRUE(silent.greet());
  ASSERT_EQ(silent.ask(Option::kStartTls), reply_number(OptionReply::kAck));
  EXPECT_TRUE(silent.at_end());
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(TlsTest, a_client_that_leaves_after_any_byte_of_the_tls_handshake_leaves_nothing_behind) {
  serve(TlsMode::kRequired);
  auto context = tls::Context::client(client_options(key_)).value();
  tls::Session session(context);
  Bytes none;
  ASSERT_TRUE(session.handshake(none).ok());
  const ByteVector hello(session.output().begin(), session.output().end());
  for (size_t length = 0; length <= hello.size(); length += 7) {
    NbdSession client(socket_path());
    ASSERT_TRUE(client.greet());
    ASSERT_EQ(client.ask(Option::kStartTls), reply_number(OptionReply::kAck));
    ASSERT_TRUE(client.send_all(Bytes(hello).first(length)));
  }
  server_->stop(Deadline::after(std::chrono::seconds(10)));
  EXPECT_EQ(server_->connections(), 0U);
}

}  // namespace
}  // namespace strata::nbd
