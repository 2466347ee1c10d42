// An S3Handler over memory, and a client that signs what it sends and may lie about it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "common/codec/xml.h"
#include "common/digest/checksum.h"
#include "common/sigv4/chunk_signer.h"
#include "common/sigv4/client.h"
#include "objstore/iam/query_api.h"
#include "objstore/s3/s3_handler.h"
#include "tests/support/memory_store.h"
#include "tests/support/object_fixture.h"

namespace strata::s3 {

inline constexpr const char* kKey = "AKIDTEST";
inline constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

// One exchange without a connection.
class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(http::RequestHead head, std::string body, size_t piece_bytes)
      : head_(std::move(head)), text_(std::move(body)), body_(as_bytes(text_), piece_bytes) {}

  [[nodiscard]] const http::RequestHead& request() const noexcept override { return head_; }
  [[nodiscard]] const std::string& request_id() const noexcept override { return id_; }
  [[nodiscard]] std::string_view peer() const noexcept override { return peer_address; }
  [[nodiscard]] async::ByteSource& body() noexcept override { return body_; }
  [[nodiscard]] async::Task<Status> respond(http::ResponseHead head, std::string body) override {
    answer = std::move(head);
    sent = std::move(body);
    co_return Status();
  }
  [[nodiscard]] async::Task<Status> respond_head(http::ResponseHead head,
                                                 uint64_t length) override {
    answer = std::move(head);
    announced = length;
    co_return Status();
  }
  [[nodiscard]] async::Task<Status> respond_stream(http::ResponseHead head, uint64_t length,
                                                   async::ByteSource& body) override {
    Result<std::string> bytes = co_await strata::testing::read_all(body);
    if (!bytes.ok()) co_return std::move(bytes).error();
    EXPECT_EQ(bytes->size(), length);
    answer = std::move(head);
    sent = std::move(*bytes);
    co_return Status();
  }
  [[nodiscard]] bool responded() const noexcept override { return answer.has_value(); }
  void set_operation(std::string_view name) noexcept override { operation = name; }

  std::string peer_address = "127.0.0.1:40000";
  std::optional<http::ResponseHead> answer;
  std::string sent;
  uint64_t announced = 0;
  std::string_view operation;

 private:
  http::RequestHead head_;
  std::string text_;
  async::MemorySource body_;
  std::string id_ = "0123456789ABCDEF";
};

struct Reply {
  int status = 0;
  http::Fields fields;
  std::string body{};
  uint64_t announced = 0;
  // S3's error code, or "" when the answer is not an error.
  [[nodiscard]] std::string code() const {
    if (status < 300) return "";
    const auto xml = codec::parse_xml(body);
    return xml.ok() ? std::string(xml->child_text("Code")) : std::string("not XML");
  }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

enum class Mode { kUnsigned, kSigned, kPresigned, kStreaming, kStreamingTrailer, kUnsignedTrailer };
inline constexpr Mode kModes[] = {Mode::kUnsigned,         Mode::kSigned,
                                  Mode::kPresigned,        Mode::kStreaming,
                                  Mode::kStreamingTrailer, Mode::kUnsignedTrailer};
inline bool is_chunked(Mode mode) {
  return mode >= Mode::kStreaming;
}
inline bool has_trailer(Mode mode) {
  return mode >= Mode::kStreamingTrailer;
}

// A request as a client makes it, with the places where it may be tampered with.
struct ClientCall {
  std::string method = "GET";
  std::string path = "/";
  std::string query{};
  Headers headers{};
  std::string body{};
  Mode mode = Mode::kSigned;
  std::string key = kKey;
  std::string secret = kSecret;
  std::string region = "us-east-1";
  std::chrono::milliseconds signed_ahead{0};        // of the server's clock
  std::chrono::seconds validity{60};                // of a presigned URL
  int64_t length_lie = 0;                           // added to the decoded length before signing
  std::function<void(std::string& wire)> tamper{};  // with the body after signing
  Headers added{};                                  // headers added after signing
};

class S3Fixture : public ::testing::Test {
 protected:
  using Call = ClientCall;  // not the handlers' own
  static constexpr size_t kChunk = 1000;

  S3Fixture() {
    make_handler({});
    EXPECT_EQ(send({.method = "PUT", .path = "/bucket"}).status, 200);
  }

  // Serves with another configuration from now on.
  void make_handler(Config config) {
    config.domains = {"s3.example.com"};
    handler_ =
        std::make_unique<S3Handler>(objects_, directory_, api_, std::move(config), clock_, random_);
  }

  Reply send(const Call& call) {
    Call copy = call;
    std::string wire;
    const http::RequestHead head = build(copy, wire);
    return send_raw(head, std::move(wire));
  }

  Reply send_raw(http::RequestHead head, std::string wire, size_t piece_bytes = 777) {
    FakeExchange exchange(std::move(head), std::move(wire), piece_bytes);
    exchange.peer_address = peer_address_;
    const Result<void> done = async::run_until_complete(*loop_, handler_->handle(exchange));
    CHECK(done.ok() && exchange.responded());
    Reply reply;
    reply.status = exchange.answer->status;
    reply.fields = exchange.answer->fields;
    reply.body = std::move(exchange.sent);
    reply.announced = exchange.announced;
    EXPECT_FALSE(reply.fields.get("x-amz-request-id").empty());
    EXPECT_FALSE(reply.fields.get("x-amz-id-2").empty());
    return reply;
  }

  Reply put(std::string path, std::string body, Headers headers = {}) {
    return send({.method = "PUT",
                 .path = std::move(path),
                 .headers = std::move(headers),
                 .body = std::move(body)});
  }
  Reply get(std::string path, std::string query = "", Headers headers = {}) {
    return send(
        {.path = std::move(path), .query = std::move(query), .headers = std::move(headers)});
  }

  // The head of the call, signed; `wire` is the body as it is sent.
  http::RequestHead build(Call& call, std::string& wire) {
    const sigv4::Time now = clock_.now + call.signed_ahead;
    sigv4::ClientRequest request{call.method, call.path, call.query, call.headers};
    if (request.headers.empty() || request.headers.front().first != "host") {
      request.headers.insert(request.headers.begin(), {"host", "localhost:9000"});
    }
    const sigv4::Keys keys{call.key, call.secret, ""};
    wire = call.body;
    if (call.mode == Mode::kPresigned) {
      request.query = *sigv4::presign_query(request, keys, call.region, now, call.validity);
    } else if (is_chunked(call.mode)) {
      wire = build_chunked(call, request, keys, now);
    } else {
      const std::string hash = call.mode == Mode::kUnsigned
                                   ? std::string(sigv4::kUnsignedPayload)
                                   : codec::to_hex(digest::sha256(as_bytes(call.body)));
      EXPECT_TRUE(sigv4::sign_request(request, keys, call.region, now, hash).ok());
    }
    if (call.tamper) call.tamper(wire);
    http::RequestHead head;
    head.method = request.method;
    head.path = request.path;
    head.query = request.query;
    head.target = request.path + (request.query.empty() ? "" : "?" + request.query);
    for (auto& [name, value] : request.headers) head.fields.add(name, value);
    for (auto& [name, value] : call.added) head.fields.add(name, value);
    if (call.method == "PUT" || call.method == "POST") head.content_length = wire.size();
    return head;
  }

  std::string build_chunked(const Call& call, sigv4::ClientRequest& request,
                            const sigv4::Keys& keys, sigv4::Time now) {
    const bool with_signatures = call.mode != Mode::kUnsignedTrailer;
    const std::string_view kind = call.mode == Mode::kStreaming ? sigv4::kStreamingSigned
                                  : call.mode == Mode::kStreamingTrailer
                                      ? sigv4::kStreamingSignedTrailer
                                      : sigv4::kStreamingUnsignedTrailer;
    const auto length = static_cast<int64_t>(call.body.size()) + call.length_lie;
    request.headers.emplace_back("content-encoding", "aws-chunked");
    request.headers.emplace_back("x-amz-decoded-content-length", std::to_string(length));
    if (has_trailer(call.mode)) request.headers.emplace_back("x-amz-trailer", kTrailer);
    const auto seed = sigv4::sign_request(request, keys, call.region, now, kind);
    EXPECT_TRUE(seed.ok());
    const std::string date = codec::format_iso8601_basic(now);
    const sigv4::Scope scope{date.substr(0, 8), call.region, "s3"};
    sigv4::ChunkSigner signer(sigv4::derive_signing_key(keys.secret, scope), date, scope, *seed);
    std::string wire;
    for (size_t at = 0;; at += kChunk) {
      const std::string data = at < call.body.size() ? call.body.substr(at, kChunk) : "";
      char size[20];
      snprintf(size, sizeof size, "%zx", data.size());
      wire += size;
      if (with_signatures) {
        wire += ";chunk-signature=" + signer.sign_chunk(digest::sha256(as_bytes(data)));
      }
      wire += "\r\n";
      if (data.empty()) break;
      wire += data + "\r\n";
    }
    if (has_trailer(call.mode)) {
      const std::string crc = codec::to_base64(
          digest::checksum(digest::ChecksumAlgorithm::kCrc32, as_bytes(call.body)));
      wire += std::string(kTrailer) + ":" + crc + "\r\n";
      if (with_signatures) {
        const Headers trailers = {{kTrailer, crc}};
        wire += "x-amz-trailer-signature:" + signer.sign_trailers(trailers) + "\r\n";
      }
    }
    return wire + "\r\n";
  }

  static constexpr const char* kTrailer = "x-amz-checksum-crc32";
  std::string peer_address_ = "127.0.0.1:40000";  // where requests come from

  strata::testing::MemoryStore store_;
  strata::testing::StillClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<async::EventLoop> loop_ = async::EventLoop::create().value();
  object::ObjectStore objects_{store_, clock_, random_};
  iam::Directory directory_{store_, {access::kRootAccount, kKey, kSecret}};
  iam::QueryApi api_{directory_, clock_, random_};
  std::unique_ptr<S3Handler> handler_;
};

}  // namespace strata::s3
