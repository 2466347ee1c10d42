#include "common/http/connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "common/base/log.h"
#include "common/http/request_exchange.h"

namespace strata::http {
namespace {

using namespace std::chrono_literals;

// How long and how much a closing connection still reads what nobody wants.
constexpr Duration kLingerTimeMax = 10s;
constexpr Duration kLingerSilence = 2s;
constexpr uint64_t kLingerBytesMax = 64 * kMiB;
// Response heads and request heads beyond this are not kept by idle connections.
constexpr size_t kIdleTextMax = 2 * kKiB;

}  // namespace

std::string peer_name(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "gone";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(four.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(six.sin6_port));
  }
  return "unix";
}

void RequestIds::next(std::string& out) {
  next_ += step_;
  // The finaliser of SplitMix64: a bijection, so different numbers stay different.
  uint64_t mixed = next_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  mixed ^= mixed >> 31;
  static constexpr char kDigits[] = "0123456789ABCDEF";
  out.resize(16);
  for (size_t i = 16; i-- > 0; mixed >>= 4) out[i] = kDigits[mixed & 15];
}

Connection::Connection(Shard& shard, UniqueFd socket)
    : shard_(shard), channel_(async::Socket(std::move(socket)), shard.blocks) {
  peer_ = peer_name(channel_.socket.fd());
  shard_.connections.insert(this);
  if (shard_.common.observer != nullptr) shard_.common.observer->connection_opened();
}

Connection::~Connection() {
  shard_.connections.erase(this);
  if (shard_.common.observer != nullptr) shard_.common.observer->connection_closed();
  shard_.common.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::break_off() noexcept {
  broken_off_ = true;
  channel_.socket.shutdown();
}

async::Task<bool> Connection::secure() {
  if (shard_.common.tls == nullptr) co_return true;
  const Deadline deadline = Deadline::after(shard_.common.limits.handshake_timeout);
  std::shared_ptr<const tls::Context> context = shard_.common.tls->get();
  const Status begun = co_await channel_.begin_tls(std::move(context), deadline);
  if (begun.ok()) co_return true;
  log::debug("http.tls_refused", {{"peer", peer_}, {"error", begun.error().to_string()}});
  if (begun.error().reason != tls::kReasonNotTls) co_return false;
  // Plain HTTP on the wrong port deserves a word that its sender can read.
  refusal_ = {400, "this port speaks HTTPS: use https:// in the URL"};
  co_await refuse();
  if (!channel_.broken && !broken_off_) co_await linger();
  co_return false;
}

async::Task<void> Connection::run() {
  const bool secured = co_await secure();
  if (!secured) co_return;
  bool again = true;
  while (again && !shard_.stopping) {
    const Heard heard = co_await receive_head();
    if (heard == Heard::kEnd) co_return;
    idle_ = false;
    if (heard == Heard::kRefused) {
      co_await refuse();
      again = false;
    } else {
      again = co_await answer();
    }
    idle_ = again;
    if (again) prepare_next();
  }
  if (!channel_.broken && !broken_off_) co_await linger();
}

void Connection::prepare_next() {
  channel_.shrink();
  if (scratch_.capacity() > kIdleTextMax) scratch_ = std::string();
  if (head_.target.capacity() > kIdleTextMax || head_.fields.all().capacity() > 64) {
    head_ = RequestHead();
  }
}

async::Task<Connection::Heard> Connection::receive_head() {
  const ServerLimits& limits = shard_.common.limits;
  ReadBuffer& buffer = channel_.buffer;
  HeadScanner scanner(limits.head_bytes_max);
  channel_.received = buffer.bytes().size();
  channel_.sent = 0;
  began_ = std::chrono::steady_clock::now();
  Deadline deadline = Deadline::after(buffer.empty() ? limits.idle_timeout : limits.head_timeout);
  for (;;) {
    const HeadScanner::State state = scanner.scan(as_text(buffer.bytes()));
    if (state == HeadScanner::State::kRefused) {
      refusal_ = scanner.refusal();
      co_return Heard::kRefused;
    }
    if (state == HeadScanner::State::kComplete) break;
    const bool first_bytes = buffer.empty();
    const size_t have = buffer.bytes().size();
    buffer.reserve(have == buffer.capacity() ? have + 1 : ReadBuffer::kIdleBytes);
    const Result<size_t> got = co_await channel_.fill(deadline);
    if (!got.ok()) {
      if (got.error().code != Code::kTimeout || first_bytes) co_return Heard::kEnd;
      refusal_ = {408, "the head did not arrive in time"};
      co_return Heard::kRefused;
    }
    if (*got == 0) co_return Heard::kEnd;
    if (first_bytes) {
      began_ = std::chrono::steady_clock::now();
      deadline = Deadline::at(began_ + limits.head_timeout);
    }
  }
  const std::string_view head = as_text(buffer.bytes()).substr(0, scanner.head_size());
  const std::optional<Refusal> refusal = parse_head(head, limits.fields_max, head_);
  if (refusal) {
    refusal_ = *refusal;
    co_return Heard::kRefused;
  }
  head_.secure = channel_.encryption != nullptr;
  buffer.consume(scanner.head_size());
  co_return Heard::kHead;
}

async::Task<bool> Connection::answer() {
  shard_.ids.next(request_id_);
  RequestExchange exchange(shard_, channel_, head_, request_id_, peer_, scratch_);
  co_await shard_.common.handler.handle(exchange);
  if (!exchange.responded() && !channel_.broken) {
    ResponseHead head;
    head.status = 500;
    std::string body = shard_.common.handler.refusal(500, "the request was not answered",
                                                     request_id_, head.fields);
    const Status sent = co_await exchange.respond(std::move(head), std::move(body));
    static_cast<void>(sent);  // channel_.broken says it
  }
  const bool again = co_await exchange.finish();
  report(exchange.operation(), exchange.status());
  co_return again;
}

async::Task<void> Connection::refuse() {
  shard_.ids.next(request_id_);
  ResponseHead head;
  head.status = refusal_.status;
  const std::string body =
      shard_.common.handler.refusal(refusal_.status, refusal_.why, request_id_, head.fields);
  write_response_head(head, body.size(), ConnectionField::kClose, shard_.date.now(), scratch_);
  const Status sent =
      co_await channel_.send(as_bytes(scratch_), as_bytes(body), shard_.common.limits.body_timeout);
  static_cast<void>(sent);  // channel_.broken says it
  head_ = RequestHead();    // what was understood of it is not to be trusted in a log
  report("refused", refusal_.status);
}

async::Task<void> Connection::linger() {
  const bool said = co_await channel_.end_sending(Deadline::after(kLingerSilence));
  if (!said) co_return;
  const Deadline end = Deadline::after(kLingerTimeMax);
  uint64_t discarded = 0;
  while (discarded <= kLingerBytesMax) {
    channel_.buffer.consume(channel_.buffer.bytes().size());
    const Deadline deadline = end.earlier(Deadline::after(kLingerSilence));
    const Result<size_t> got = co_await channel_.fill(deadline);
    if (!got.ok() || *got == 0) co_return;
    discarded += *got;
    channel_.buffer.reserve(BlockPool::kBlockBytes);
  }
}

void Connection::report(std::string_view operation, int status) noexcept {
  if (shard_.common.observer == nullptr) return;
  ExchangeRecord record;
  record.operation = operation;
  record.method = head_.method;
  record.path = head_.path;
  record.request_id = request_id_;
  record.peer = peer_;
  record.status = status;
  // Bytes of a pipelined next request are in the buffer already and belong to that.
  record.request_bytes = channel_.received - channel_.buffer.bytes().size();
  record.response_bytes = channel_.sent;
  record.elapsed = std::chrono::steady_clock::now() - began_;
  shard_.common.observer->exchange_done(record);
}

async::Task<void> serve_connection(Shard& shard, UniqueFd socket) {
  // A local, so that it is gone before the gate is left; parameters live on with the frame.
  Connection connection(shard, std::move(socket));
  co_await connection.run();
}

async::Task<void> turn_away(Shard& shard, UniqueFd socket) {
  Channel channel(async::Socket(std::move(socket)), shard.blocks);
  std::string request_id;
  shard.ids.next(request_id);
  ResponseHead head;
  head.status = 503;
  const std::string body = shard.common.handler.refusal(
      503, "the server has as many connections as it takes: retry later", request_id, head.fields);
  std::string text;
  write_response_head(head, body.size(), ConnectionField::kClose, shard.date.now(), text);
  const Deadline end = Deadline::after(kLingerSilence);
  if (shard.common.tls != nullptr) {
    std::shared_ptr<const tls::Context> context = shard.common.tls->get();
    const Status begun = co_await channel.begin_tls(std::move(context), end);
    if (!begun.ok()) co_return;
  }
  const Status sent = co_await channel.send(as_bytes(text), as_bytes(body), kLingerSilence);
  if (!sent.ok()) co_return;
  const bool said = co_await channel.end_sending(end);
  if (!said) co_return;
  channel.buffer.reserve(ReadBuffer::kIdleBytes);
  for (uint64_t discarded = 0; discarded <= kLingerBytesMax;) {
    channel.buffer.consume(channel.buffer.bytes().size());
    const Result<size_t> got = co_await channel.fill(end);
    if (!got.ok() || *got == 0) co_return;
    discarded += *got;
  }
}

}  // namespace strata::http
