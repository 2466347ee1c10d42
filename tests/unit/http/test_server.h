// A server on threads of its own with a handler for every situation, and a client that can send
// anything.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/async/completion.h"
#include "common/async/event_loop.h"
#include "common/base/parse.h"
#include "common/http/server.h"

namespace strata::http::test {

using namespace std::chrono_literals;

class LoopThread {
 public:
  LoopThread() : loop_(async::EventLoop::create().value()) {
    thread_ = std::thread([this] { loop_->run().value(); });
  }
  ~LoopThread() {
    loop_->stop();
    thread_.join();
  }
  [[nodiscard]] async::EventLoop& loop() noexcept { return *loop_; }

 private:
  std::unique_ptr<async::EventLoop> loop_;
  std::thread thread_;
};

// Byte i of every test body.
[[nodiscard]] inline char pattern_byte(uint64_t i) noexcept {
  return static_cast<char>('a' + (i * 7 + i / 4096) % 26);
}

// `length` bytes of the pattern; fails or ends after `stop_after` if that is set.
class PatternSource final : public async::ByteSource {
 public:
  explicit PatternSource(uint64_t length, size_t piece = 256 * kKiB)
      : left_(length), buffer_(piece) {}
  void fail_after(uint64_t bytes) { fail_at_ = bytes; }
  void tell_end() { tells_end_ = true; }
  [[nodiscard]] bool ended() const noexcept override { return tells_end_ && left_ == 0; }

  [[nodiscard]] async::Task<Result<Bytes>> next() override {
    if (fail_at_ && given_ >= *fail_at_) co_return Error(Code::kCorrupt, "as the test wants it");
    const size_t count = std::min<uint64_t>(buffer_.size(), left_);
    for (size_t i = 0; i < count; ++i) {
      buffer_[i] = static_cast<std::byte>(pattern_byte(given_ + i));
    }
    left_ -= count;
    given_ += count;
    co_return Bytes(buffer_).first(count);
  }

 private:
  uint64_t left_;
  uint64_t given_ = 0;
  std::optional<uint64_t> fail_at_;
  bool tells_end_ = false;
  ByteVector buffer_;
};

// Lets handlers wait until the test lets them go.
class Holds {
 public:
  [[nodiscard]] async::Task<void> wait() {
    async::Completion<bool> completion;
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(&completion);
      changed_.notify_all();
    }
    const bool released = co_await completion;
    static_cast<void>(released);
  }
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() >= count; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    for (async::Completion<bool>* completion : waiting_) completion->set(true);
    waiting_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<async::Completion<bool>*> waiting_;
};

// Answers by path.
class TestHandler final : public Handler {
 public:
  [[nodiscard]] async::Task<void> handle(Exchange& exchange) override {
    const std::string& path = exchange.request().path;
    exchange.set_operation("Test");
    ResponseHead head;
    head.fields.add("x-id", exchange.request_id());
    if (path == "/echo") {
      co_await echo(exchange, std::move(head));
    } else if (path == "/count") {
      co_await count(exchange, std::move(head));
    } else if (path == "/stream") {
      co_await stream(exchange, std::move(head));
    } else if (path == "/hold") {
      co_await holds.wait();
      Status sent = co_await exchange.respond(std::move(head), "held");
      static_cast<void>(sent);
    } else if (path == "/inject") {
      head.fields.add("x-value", "one\r\nSet-Cookie: two");
      head.fields.add("x-bad\r\nname", "value");
      head.fields.add("content-length", "9999");
      Status sent = co_await exchange.respond(std::move(head), "safe");
      static_cast<void>(sent);
    } else if (path == "/empty") {
      head.status = 204;
      Status sent = co_await exchange.respond(std::move(head), "");
      static_cast<void>(sent);
    } else if (path == "/head") {
      Status sent = co_await exchange.respond_head(std::move(head), 12345);
      static_cast<void>(sent);
    } else if (path != "/silent") {
      Status sent = co_await exchange.respond(std::move(head), "hello " + path);
      static_cast<void>(sent);
    }
  }

  [[nodiscard]] std::string refusal(int status, std::string_view why, std::string_view request_id,
                                    Fields& fields) override {
    fields.add("x-id", std::string(request_id));
    return std::to_string(status) + " " + std::string(why);
  }

  Holds holds;
  std::atomic<int> last_body_error{-1};  // the Code of a body that could not be read

 private:
  [[nodiscard]] async::Task<void> echo(Exchange& exchange, ResponseHead head) {
    Result<std::string> body = co_await read_all(exchange.body(), 1 * kMiB);
    std::string text;
    if (body.ok()) {
      text = std::move(*body);
    } else {
      last_body_error = static_cast<int>(body.error().code);
      head.status = body.error().code == Code::kTooLarge ? 413 : 400;
      text = body.error().to_string();
    }
    Status sent = co_await exchange.respond(std::move(head), std::move(text));
    static_cast<void>(sent);
  }
  [[nodiscard]] async::Task<void> count(Exchange& exchange, ResponseHead head) {
    uint64_t total = 0;
    uint64_t wrong = 0;
    for (;;) {
      Result<Bytes> piece = co_await exchange.body().next();
      if (!piece.ok() || piece->empty()) break;
      for (const std::byte byte : *piece) wrong += static_cast<char>(byte) != pattern_byte(total++);
    }
    std::string text = std::to_string(total) + " " + std::to_string(wrong);
    Status sent = co_await exchange.respond(std::move(head), std::move(text));
    static_cast<void>(sent);
  }
  // "/stream?length", "/stream?length,fail_after": a body of the pattern; with "&ended" the source
  // tells its end.
  [[nodiscard]] async::Task<void> stream(Exchange& exchange, ResponseHead head) {
    std::string_view query = exchange.request().query;
    const bool tells_end = query.ends_with("&ended");
    query = query.substr(0, query.find('&'));
    const size_t comma = query.find(',');
    const uint64_t length = parse_u64(query.substr(0, comma)).value_or(0);
    PatternSource source(length);
    if (tells_end) source.tell_end();
    if (comma != std::string_view::npos) {
      source.fail_after(parse_u64(query.substr(comma + 1)).value_or(0));
    }
    Status sent = co_await exchange.respond_stream(std::move(head), length, source);
    if (!sent.ok() && !exchange.responded()) {
      ResponseHead sorry;
      sorry.status = 502;
      sent = co_await exchange.respond(std::move(sorry), sent.error().to_string());
    }
  }
};

class CountingObserver final : public Observer {
 public:
  void connection_opened() noexcept override { change(1, 0, nullptr); }
  void connection_closed() noexcept override { change(0, 1, nullptr); }
  void exchange_done(const ExchangeRecord& record) noexcept override { change(0, 0, &record); }

  struct Seen {
    std::string method, path, operation;
    int status;
    uint64_t request_bytes, response_bytes;
  };
  [[nodiscard]] uint64_t opened() {
    const std::lock_guard lock(mutex_);
    return opened_;
  }
  [[nodiscard]] std::vector<Seen> exchanges() {
    const std::lock_guard lock(mutex_);
    return exchanges_;
  }
  void wait_for_exchanges(size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 60s, [&] { return exchanges_.size() >= count; }));
  }
  void wait_for_opened(uint64_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 60s, [&] { return opened_ >= count; }));
  }
  void wait_until_all_closed(uint64_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(
        changed_.wait_for(lock, 60s, [&] { return opened_ >= count && closed_ == opened_; }))
        << opened_ << " opened, " << closed_ << " closed";
  }

 private:
  void change(uint64_t opened, uint64_t closed, const ExchangeRecord* record) {
    const std::lock_guard lock(mutex_);
    opened_ += opened;
    closed_ += closed;
    if (record != nullptr) {
      exchanges_.push_back({std::string(record->method), std::string(record->path),
                            std::string(record->operation), record->status, record->request_bytes,
                            record->response_bytes});
    }
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t opened_ = 0;
  uint64_t closed_ = 0;
  std::vector<Seen> exchanges_;
};

class TestServer {
 public:
  explicit TestServer(ServerLimits limits = {}, std::string unix_path = {},
                      const tls::CurrentContext* tls = nullptr)
      : server_({&loops_[0].loop(), &loops_[1].loop()},
                unix_path.empty() ? async::Listener::tcp({"127.0.0.1", 0}).value()
                                  : async::Listener::unix_socket(unix_path).value(),
                handler, &observer, limits, tls) {
    server_.start();
  }
  ~TestServer() { stop(); }
  void stop(Deadline deadline = Deadline::after(5s)) { server_.stop(deadline); }
  [[nodiscard]] uint16_t port() const noexcept { return server_.port(); }

  TestHandler handler;
  CountingObserver observer;

 private:
  LoopThread loops_[2];
  Server server_;
};

struct Answer {
  int status = 0;
  std::string head;  // with the status line, without the empty line
  std::string body;
  [[nodiscard]] bool has(std::string_view text) const {
    return head.find(text) != std::string::npos;
  }
};

// A blocking client; every wait fails the test after a minute.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connected_ =
        ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  // False once the server does not take any more.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }

  // Appends to received_; false at the end, a reset included.
  bool receive() {
    pollfd entry{socket_.get(), POLLIN, 0};
    if (::poll(&entry, 1, 60'000) != 1) {
      ADD_FAILURE() << "nothing came";
      return false;
    }
    char piece[64 * 1024];
    const ssize_t got = ::recv(socket_.get(), piece, sizeof piece, 0);
    was_reset_ = got < 0 && errno == ECONNRESET;
    if (got <= 0) return false;
    received_.append(piece, static_cast<size_t>(got));
    return true;
  }
  [[nodiscard]] std::string read_to_end() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }
  // The next answer; status 0 if the connection ended before it was whole.
  [[nodiscard]] Answer read_answer(bool to_head = false) {
    Answer answer;
    size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return answer;
    }
    answer.head = received_.substr(0, end);
    received_.erase(0, end + 4);
    const size_t field = ascii_lower(answer.head).find("content-length: ");
    size_t length = 0;
    if (field != std::string::npos && !to_head) {
      length = parse_u64(answer.head.substr(field + 16,
                                            answer.head.find_first_of("\r", field) - field - 16))
                   .value_or(0);
    }
    while (received_.size() < length) {
      if (!receive()) return answer;
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    answer.status = static_cast<int>(parse_u64(answer.head.substr(9, 3)).value_or(0));
    return answer;
  }
  // Whether the server ended the connection in order, without more bytes.
  [[nodiscard]] bool ended() { return received_.empty() && !receive() && !was_reset_; }
  [[nodiscard]] bool was_reset() const noexcept { return was_reset_; }

 private:
  UniqueFd socket_;
  std::string received_;
  bool connected_ = false;
  bool was_reset_ = false;
};

}  // namespace strata::http::test
