#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "common/base/parse.h"
#include "common/http/chunked_body.h"
#include "common/http/client.h"
#include "common/http/head_parser.h"
#include "common/http/server.h"
#include "common/http/syntax.h"

namespace strata::http {
namespace {

constexpr size_t kResponseHeadMax = 32 * kKiB;
constexpr size_t kReceiveBytes = 64 * kKiB;

// A blocking socket of which every wait ends at one deadline.
class Line {
 public:
  Line(UniqueFd socket, Deadline deadline) : socket_(std::move(socket)), deadline_(deadline) {}

  [[nodiscard]] Status send_all(std::string_view text) {
    while (!text.empty()) {
      TRY(wait(POLLOUT));
      const ssize_t sent =
          ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (sent < 0) return errno_error(errno, "cannot send the request");
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return {};
  }

  // Appends what has come; false at the end of the stream.
  [[nodiscard]] Result<bool> receive(std::string& into) {
    std::array<char, kReceiveBytes> piece;  // NOLINT: filled by recv
    for (;;) {
      TRY(wait(POLLIN));
      const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got < 0) return errno_error(errno, "cannot receive the answer");
      into.append(piece.data(), static_cast<size_t>(got));
      return got > 0;
    }
  }

 private:
  [[nodiscard]] Status wait(short events) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline_.when() - std::chrono::steady_clock::now());
    pollfd entry{socket_.get(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready < 0 && errno != EINTR) return errno_error(errno, "poll");
    if (ready == 0) return Error(Code::kTimeout, "the server did not answer in time");
    return {};
  }

  UniqueFd socket_;
  Deadline deadline_;
};

struct AnswerHead {
  int status = 0;
  std::optional<uint64_t> length;
  bool chunked = false;
};

Error bad_answer(std::string_view why) {
  return Error(Code::kInternal, fmt::format("the server's answer is not HTTP: {}", why));
}

// head: without its last empty line.
Result<AnswerHead> parse_answer_head(std::string_view head) {
  AnswerHead out;
  bool first = true;
  while (!head.empty()) {
    const size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
    if (std::exchange(first, false)) {
      const std::optional<uint64_t> status = line.size() >= 12 && line.starts_with("HTTP/1.")
                                                 ? parse_u64(line.substr(9, 3))
                                                 : std::nullopt;
      if (!status || *status < 100) return bad_answer("its first line is no status line");
      out.status = static_cast<int>(*status);
      continue;
    }
    std::string_view why;
    const std::optional<FieldLine> field = parse_field_line(line, why);
    if (!field) return bad_answer(why);
    if (ascii_iequals(field->name, "content-length")) {
      out.length = parse_u64(field->value);
      if (!out.length) return bad_answer("Content-Length is not a length");
    } else if (ascii_iequals(field->name, "transfer-encoding")) {
      out.chunked = ascii_iequals(field->value, "chunked");
      if (!out.chunked) return bad_answer("its transfer coding is unknown");
    }
  }
  return out;
}

// Receives a final head, passing over "100 Continue"; what follows it stays in `received`.
Result<AnswerHead> receive_head(Line& line, std::string& received) {
  for (;;) {
    const size_t end = received.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (received.size() > kResponseHeadMax) return bad_answer("its head is too long");
      TRY_ASSIGN(const bool more, line.receive(received));
      if (!more) return Error(Code::kClosed, "the server closed the connection without an answer");
      continue;
    }
    TRY_ASSIGN(AnswerHead head, parse_answer_head(std::string_view(received).substr(0, end)));
    received.erase(0, end + 4);
    if (head.status >= 200) return head;
  }
}

Result<std::string> receive_chunks(Line& line, std::string received, size_t bytes_max) {
  ChunkedDecoder decoder;
  std::string body;
  for (;;) {
    Bytes input = as_bytes(received);
    while (!input.empty() && !decoder.done()) {
      TRY_ASSIGN(const ChunkedDecoder::Step step, decoder.step(input));
      if (body.size() + step.data.size() > bytes_max) {
        return Error(Code::kTooLarge, "the server's answer is too large");
      }
      body += as_text(step.data);
      input = input.subspan(step.consumed);
    }
    if (decoder.done()) return body;
    received.clear();
    TRY_ASSIGN(const bool more, line.receive(received));
    if (!more) return Error(Code::kClosed, "the server closed the connection within its answer");
  }
}

Result<std::string> receive_body(Line& line, const AnswerHead& head, std::string received,
                                 size_t bytes_max) {
  if (head.chunked) return receive_chunks(line, std::move(received), bytes_max);
  if (head.length.value_or(0) > bytes_max) {
    return Error(Code::kTooLarge, "the server's answer is too large");
  }
  while (!head.length || received.size() < *head.length) {
    if (received.size() > bytes_max) {
      return Error(Code::kTooLarge, "the server's answer is too large");
    }
    TRY_ASSIGN(const bool more, line.receive(received));
    if (more) continue;
    if (!head.length) return received;
    return Error(Code::kClosed, "the server closed the connection within its answer");
  }
  received.resize(*head.length);
  return received;
}

}  // namespace

Result<ClientResponse> call_over(UniqueFd socket, const ClientCall& call) {
  if (!syntax::is_token(call.method) || !syntax::is_target(call.target)) {
    return Error(Code::kInvalidArgument, "the method or target of a request is malformed");
  }
  Line line(std::move(socket), call.deadline);
  std::string request = fmt::format("{} {} HTTP/1.1\r\n", call.method, call.target);
  for (const auto& [name, value] : call.fields) {
    if (!syntax::is_token(name) || !syntax::is_field_value(value)) {
      return Error(Code::kInvalidArgument, "a field of a request is malformed");
    }
    request += fmt::format("{}: {}\r\n", name, value);
  }
  request += fmt::format("Content-Length: {}\r\nConnection: close\r\n\r\n", call.body.size());
  request += as_text(call.body);
  const Status sent = line.send_all(request);
  // A server that refuses early may close before it has read everything: its answer counts.
  if (!sent.ok() && sent.error().code != Code::kClosed) return sent.error();
  std::string received;
  TRY_ASSIGN(const AnswerHead head, receive_head(line, received));
  ClientResponse response;
  response.status = head.status;
  if (call.method == "HEAD" || head.status == 204 || head.status == 304) return response;
  TRY_ASSIGN(response.body, receive_body(line, head, std::move(received), call.answer_bytes_max));
  return response;
}

Result<ClientResponse> request_over_unix(const std::string& socket_path, std::string_view method,
                                         std::string_view target, std::string_view body,
                                         std::chrono::seconds timeout) {
  TRY_ASSIGN(UniqueFd socket, async::connect_unix(socket_path));
  return call_over(std::move(socket), {.method = method,
                                       .target = target,
                                       .fields = {{"Host", "localhost"}},
                                       .body = as_bytes(body),
                                       .deadline = Deadline::after(timeout)});
}

}  // namespace strata::http
