#include "common/tls/session.h"

#include <gtest/gtest.h>

#include <array>

#include "common/base/random.h"
#include "tests/support/self_signed.h"

namespace strata::tls {
namespace {

using strata::testing::PemPair;
using strata::testing::self_signed;

Identity identity_of(const PemPair& pair) {
  return {pair.certificate, pair.key};
}

std::shared_ptr<const Context> server_with(const PemPair& pair,
                                           std::vector<std::string> alpn = {"http/1.1"}) {
  ServerOptions options;
  options.identity = identity_of(pair);
  options.alpn = std::move(alpn);
  return Context::server(std::move(options)).value();
}

std::shared_ptr<const Context> client_trusting(const std::string& ca_pem,
                                               const std::string& name = "localhost") {
  ClientOptions options;
  options.ca_pem = ca_pem;
  options.server_name = name;
  return Context::client(std::move(options)).value();
}

// Everything that waits in the output, taken out.
std::string take(Session& session) {
  const std::string out = to_string(session.output());
  session.consume(out.size());
  return out;
}

struct Pair {
  Session client;
  Session server;
  Status client_status{};
  Status server_status{};

  Pair(std::shared_ptr<const Context> client_context, std::shared_ptr<const Context> server_context)
      : client(std::move(client_context)), server(std::move(server_context)) {}

  // Hands everything over until nobody has anything to say, in pieces of this size.
  void shake_hands(size_t piece_bytes = 100'000) {
    for (bool moved = true; moved;) {
      moved = pass(client, server, server_status, piece_bytes);
      moved |= pass(server, client, client_status, piece_bytes);
      Bytes nothing;
      if (client_status.ok()) client_status = client.handshake(nothing);
      moved |= !client.output().empty();
    }
  }

 private:
  static bool pass(Session& from, Session& to, Status& status, size_t piece_bytes) {
    const std::string bytes = take(from);
    for (size_t at = 0; at < bytes.size() && status.ok(); at += piece_bytes) {
      Bytes piece = as_bytes(std::string_view(bytes).substr(at, piece_bytes));
      if (!to.established()) status = to.handshake(piece);
      std::array<std::byte, 16> none;
      if (status.ok() && to.established() && !piece.empty()) {
        const Result<size_t> got = to.read(piece, none);  // session tickets are no data
        if (!got.ok()) status = got.error();
      }
    }
    return !bytes.empty();
  }
};

// What arrives at `to` when `from` writes all of `text`, its records cut into pieces.
std::string send(Session& from, Session& to, std::string_view text, size_t piece_bytes) {
  std::string arrived;
  while (!text.empty()) {
    const size_t taken = from.write(as_bytes(text)).value();
    EXPECT_GT(taken, 0u);
    text.remove_prefix(taken);
    const std::string wire = take(from);
    for (size_t at = 0; at < wire.size(); at += piece_bytes) {
      Bytes piece = as_bytes(std::string_view(wire).substr(at, piece_bytes));
      for (;;) {
        std::array<std::byte, 3000> into;
        const size_t got = to.read(piece, into).value();
        arrived += as_text(Bytes(into.data(), got));
        if (got == 0) break;
      }
      EXPECT_TRUE(piece.empty());
    }
  }
  return arrived;
}

TEST(TlsSession, carries_data_both_ways_however_the_bytes_are_cut) {
  const PemPair pair = self_signed();
  const uint64_t seed = 7;
  SeededRandom random(seed);
  std::string text(300'000, '\0');
  random.fill(std::as_writable_bytes(std::span(text)));
  for (const size_t piece : {size_t{1}, size_t{5}, size_t{700}, size_t{100'000}}) {
    Pair both(client_trusting(pair.certificate), server_with(pair));
    both.shake_hands(piece);
    ASSERT_TRUE(both.client_status.ok() && both.server_status.ok()) << piece;
    ASSERT_TRUE(both.client.established() && both.server.established()) << piece;
    EXPECT_EQ(both.server.version(), "TLSv1.3");
    EXPECT_EQ(both.server.server_name(), "localhost");
    const std::string_view some = std::string_view(text).substr(0, piece == 1 ? 20'000 : 300'000);
    EXPECT_TRUE(send(both.client, both.server, some, piece) == some);
    EXPECT_TRUE(send(both.server, both.client, some, piece) == some);
  }
}

TEST(TlsSession, output_is_bounded_until_it_is_taken) {
  const PemPair pair = self_signed();
  Pair both(client_trusting(pair.certificate), server_with(pair));
  both.shake_hands();
  const std::string much(4 * kOutputBytesMax, 'x');
  const size_t taken = both.server.write(as_bytes(much)).value();
  EXPECT_LT(taken, kOutputBytesMax + 20'000);
  EXPECT_EQ(both.server.write(as_bytes(much)).value(), 0u);
  EXPECT_LT(both.server.output().size(), kOutputBytesMax + 20'000);
  both.server.consume(both.server.output().size());
  EXPECT_GT(both.server.write(as_bytes(much)).value(), 0u);
}

TEST(TlsSession, agrees_on_a_protocol_or_on_none) {
  const PemPair pair = self_signed();
  const auto shake = [&](std::vector<std::string> offered) {
    ClientOptions options;
    options.ca_pem = pair.certificate;
    options.server_name = "localhost";
    options.alpn = std::move(offered);
    auto both = std::make_unique<Pair>(Context::client(std::move(options)).value(),
                                       server_with(pair, {"http/1.1"}));
    both->shake_hands();
    return both;
  };
  EXPECT_EQ(shake({"h2", "http/1.1"})->server.alpn(), "http/1.1");
  EXPECT_EQ(shake({})->server.alpn(), "");
  EXPECT_TRUE(shake({})->server.established());
  const auto refused = shake({"h2"});
  EXPECT_FALSE(refused->server.established());
  EXPECT_EQ(refused->server_status.error().reason, kReasonHandshakeFailed);
  EXPECT_FALSE(refused->client_status.ok());  // it was told by an alert
}

TEST(TlsSession, a_client_trusts_only_the_authority_and_the_name_it_was_given) {
  const PemPair pair = self_signed("localhost");
  const PemPair other = self_signed("localhost");
  Pair stranger(client_trusting(other.certificate), server_with(pair));
  stranger.shake_hands();
  EXPECT_FALSE(stranger.client_status.ok());
  Pair misnamed(client_trusting(pair.certificate, "example.com"), server_with(pair));
  misnamed.shake_hands();
  EXPECT_FALSE(misnamed.client_status.ok());
  const PemPair address = self_signed("IP:127.0.0.1");
  Pair by_address(client_trusting(address.certificate, "127.0.0.1"), server_with(address));
  by_address.shake_hands();
  EXPECT_TRUE(by_address.client.established());
}

TEST(TlsSession, a_server_may_ask_for_the_clients_certificate) {
  const PemPair pair = self_signed();
  const PemPair known = self_signed("client");
  ServerOptions options;
  options.identity = identity_of(pair);
  options.client_ca_pem = known.certificate;
  const auto server = Context::server(std::move(options)).value();
  ClientOptions client;
  client.ca_pem = pair.certificate;
  client.server_name = "localhost";
  Pair without(Context::client(client).value(), server);
  without.shake_hands();
  EXPECT_FALSE(without.server.established());
  client.identity = identity_of(known);
  Pair with(Context::client(client).value(), server);
  with.shake_hands();
  EXPECT_TRUE(with.server.established());
  client.identity = identity_of(self_signed("client"));
  Pair forged(Context::client(client).value(), server);
  forged.shake_hands();
  EXPECT_FALSE(forged.server.established());
}

TEST(TlsSession, pre_shared_keys_need_no_certificate) {
  ServerOptions options;
  options.psk = parse_psk_file("# keys\nalice:" + std::string(64, 'a') +
                               "\nbob:" + std::string(32, 'b') + "\n")
                    .value();
  const auto server = Context::server(std::move(options)).value();
  const auto shake = [&](const std::string& identity, const std::string& key) {
    ClientOptions client;
    client.psk_identity = identity;
    client.psk_key = key;
    Pair both(Context::client(std::move(client)).value(), server);
    both.shake_hands();
    return both.server.established() && both.client.established() &&
           send(both.client, both.server, "block", 3) == "block";
  };
  EXPECT_TRUE(shake("alice", std::string(32, '\xaa')));
  EXPECT_TRUE(shake("bob", std::string(16, '\xbb')));
  EXPECT_FALSE(shake("bob", std::string(16, '\xbc')));
  EXPECT_FALSE(shake("mallory", std::string(32, '\xaa')));
}

TEST(TlsSession, plain_text_is_told_from_tls) {
  Session server(server_with(self_signed()));
  Bytes text = as_bytes("GET / HTTP/1.1\r\n\r\n");
  const Status status = server.handshake(text);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().reason, kReasonNotTls);
  EXPECT_FALSE(server.handshake(text).ok());
}

TEST(TlsSession, an_altered_record_ends_the_session) {
  const PemPair pair = self_signed();
  Pair both(client_trusting(pair.certificate), server_with(pair));
  both.shake_hands();
  ASSERT_TRUE(both.client.write(as_bytes("secret")).ok());
  std::string wire = take(both.client);
  wire.back() = static_cast<char>(wire.back() ^ 1);
  std::array<std::byte, 100> into;
  Bytes input = as_bytes(wire);
  const Result<size_t> got = both.server.read(input, into);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().reason, kReasonBadRecord);
  EXPECT_FALSE(both.server.read(input, into).ok());
  EXPECT_FALSE(both.server.write(as_bytes("x")).ok());
}

TEST(TlsSession, an_end_that_was_said_is_told_from_one_that_was_cut) {
  const PemPair pair = self_signed();
  Pair both(client_trusting(pair.certificate), server_with(pair));
  both.shake_hands();
  EXPECT_EQ(send(both.client, both.server, "all", 100), "all");
  EXPECT_FALSE(both.server.ended());
  both.client.close();
  const std::string wire = take(both.client);
  Bytes input = as_bytes(wire);
  std::array<std::byte, 10> into;
  EXPECT_EQ(both.server.read(input, into).value(), 0u);
  EXPECT_TRUE(both.server.ended());
}

TEST(TlsSession, random_bytes_never_establish_anything) {
  const auto context = server_with(self_signed());
  SeededRandom random(11);
  for (int round = 0; round < 200; ++round) {
    Session server(context);
    Status status;
    for (int piece = 0; piece < 20 && status.ok(); ++piece) {
      std::string bytes(1 + random.below(400), '\0');
      random.fill(std::as_writable_bytes(std::span(bytes)));
      if (piece == 0) bytes[0] = 22;
      Bytes input = as_bytes(bytes);
      status = server.handshake(input);
    }
    EXPECT_FALSE(server.established());
  }
}

TEST(TlsContext, says_what_is_wrong_with_its_texts) {
  const PemPair pair = self_signed();
  const auto failure = [](const Identity& identity) {
    ServerOptions options;
    options.identity = identity;
    const auto made = Context::server(std::move(options));
    return made.ok() ? std::string() : made.error().message;
  };
  EXPECT_EQ(failure(identity_of(pair)), "");
  EXPECT_NE(failure({"", pair.key}).find("certificate"), std::string::npos);
  EXPECT_NE(failure({pair.certificate, "nothing"}).find("private key"), std::string::npos);
  EXPECT_NE(failure({pair.certificate, self_signed().key}).find("not the certificate's"),
            std::string::npos);
  EXPECT_FALSE(Context::server({}).ok());
  ClientOptions nonsense;
  nonsense.ca_pem = "nonsense";
  EXPECT_FALSE(Context::client(nonsense).ok());
  EXPECT_GT(server_with(pair)->expires().value(), 1'700'000'000);
}

TEST(PskFile, is_read_line_by_line) {
  const std::string key(32, '0');
  EXPECT_EQ(parse_psk_file("a:b:" + key).value().begin()->first, "a:b");
  EXPECT_EQ(parse_psk_file("\n# x\n  a:" + key + "  \r\n").value().size(), 1u);
  for (const std::string& text :
       {std::string(), std::string("#\n"), "a" + key, ":" + key, "a:" + key + "0",
        "a:" + std::string(30, '0'), "a:" + std::string(31, '0') + "g", "a:" + key + "\na:" + key,
        std::string(129, 'i') + ":" + key}) {
    const auto keys = parse_psk_file(text);
    ASSERT_FALSE(keys.ok()) << text;
    EXPECT_EQ(keys.error().message.find(key), std::string::npos);
  }
}

}  // namespace
}  // namespace strata::tls
