#include "common/http/request_exchange.h"

#include <algorithm>
#include <utility>

namespace strata::http {
namespace {

using namespace std::chrono_literals;

// A rest of the body up to this is passed over to keep the connection; a longer one costs more
// than a new connection does.
constexpr uint64_t kDrainBytesMax = 256 * kKiB;
constexpr Duration kDrainPieceTimeout = 2s;
// The end of a streamed body that waits until its source has said that everything was well.
constexpr size_t kHeldBytesMax = 64 * kKiB;
static_assert(kHeldBytesMax <= BlockPool::kBlockBytes);

}  // namespace

RequestExchange::RequestExchange(Shard& shard, Channel& channel, const RequestHead& head,
                                 const std::string& request_id, std::string_view peer,
                                 std::string& scratch)
    : shard_(shard),
      channel_(channel),
      head_(head),
      request_id_(request_id),
      peer_(peer),
      scratch_(scratch),
      body_(channel, head, shard.common.limits) {}

bool RequestExchange::must_close() const noexcept {
  // A peer that waits for "100 Continue" may or may not send its body after the final response
  // (RFC 9110 section 10.1.1), so what follows on this connection could not be understood.
  return !head_.keep_alive || shard_.stopping || channel_.broken || body_.failed() ||
         body_.peer_waits() || body_.left().value_or(0) > kDrainBytesMax;
}

void RequestExchange::begin(const ResponseHead& head, std::optional<uint64_t> length) {
  CHECK(!responded_, "an exchange is answered once");
  responded_ = true;
  status_ = head.status;
  closing_ = must_close();
  body_.forbid_continue();
  ConnectionField field = ConnectionField::kNone;
  if (closing_) {
    field = ConnectionField::kClose;
  } else if (head_.minor_version == 0) {
    field = ConnectionField::kKeepAlive;
  }
  write_response_head(head, length, field, shard_.date.now(), scratch_);
}

void RequestExchange::take_back() noexcept {
  responded_ = false;
  status_ = 0;
}

Error RequestExchange::break_off(Error error) noexcept {
  if (sent_any_) {
    channel_.broken = true;
  } else {
    take_back();
  }
  return error;
}

async::Task<Status> RequestExchange::send(Bytes first, Bytes second) {
  sent_any_ = true;
  Status sent = co_await channel_.send(first, second, shard_.common.limits.body_timeout);
  co_return sent;
}

async::Task<Status> RequestExchange::respond(ResponseHead head, std::string body) {
  const bool has_body = status_has_body(head.status);
  begin(head, has_body ? std::optional<uint64_t>(body.size()) : std::nullopt);
  const bool sends_body = has_body && head_.method != "HEAD";
  Status sent = co_await send(as_bytes(scratch_), sends_body ? as_bytes(body) : Bytes());
  co_return sent;
}

async::Task<Status> RequestExchange::respond_head(ResponseHead head, uint64_t length) {
  CHECK(length == 0 || head_.method == "HEAD" || !status_has_body(head.status),
        "a length without a body is for HEAD only");
  // A 304 may tell the length that a 200 would have had; a 204 has none (RFC 9110 section 8.6).
  begin(head, head.status == 204 ? std::nullopt : std::optional<uint64_t>(length));
  Status sent = co_await send(as_bytes(scratch_), Bytes());
  co_return sent;
}

async::Task<Status> RequestExchange::respond_stream(ResponseHead head, uint64_t length,
                                                    async::ByteSource& body) {
  CHECK(length == 0 || status_has_body(head.status), "a streamed body of a status without one");
  begin(head, status_has_body(head.status) ? std::optional<uint64_t>(length) : std::nullopt);
  Bytes unsent_head = as_bytes(scratch_);
  if (length == 0 || head_.method == "HEAD") {
    Status sent = co_await send(unsent_head, Bytes());
    co_return sent;
  }
  uint64_t left = length;
  while (left > 0) {
    Result<Bytes> piece = co_await body.next();
    if (!piece.ok()) co_return break_off(std::move(piece).error());
    if (piece->empty() || piece->size() > left) {
      co_return break_off(
          Error(Code::kInternal, "a response's source gave another length than was announced"));
    }
    left -= piece->size();
    Status sent;
    if (left > 0 || body.ended()) {
      sent = co_await send(std::exchange(unsent_head, Bytes()), *piece);
    } else {
      sent = co_await send_last(unsent_head, *piece, body);
    }
    if (!sent.ok()) co_return sent;
  }
  co_return Status();
}

// The end of the body leaves only after its source has confirmed it: a source that finds its
// checksum wrong at the end must not have delivered a whole body.
async::Task<Status> RequestExchange::send_last(Bytes head, Bytes piece, async::ByteSource& body) {
  const size_t held_bytes = std::min(piece.size(), kHeldBytesMax);
  const Bytes front = piece.first(piece.size() - held_bytes);
  if (!front.empty()) {
    Status sent = co_await send(std::exchange(head, Bytes()), front);
    if (!sent.ok()) co_return sent;
  }
  std::unique_ptr<std::byte[]> held = shard_.blocks.take();
  std::memcpy(held.get(), piece.data() + front.size(), held_bytes);
  Result<Bytes> end = co_await body.next();
  Status sent;
  if (!end.ok()) {
    sent = break_off(std::move(end).error());
  } else if (!end->empty()) {
    sent = break_off(
        Error(Code::kInternal, "a response's source gave another length than was announced"));
  } else {
    sent = co_await send(head, Bytes(held.get(), held_bytes));
  }
  shard_.blocks.give(std::move(held));
  co_return sent;
}

async::Task<bool> RequestExchange::finish() {
  body_.release();
  if (closing_ || channel_.broken || body_.failed()) co_return false;
  uint64_t drained = 0;
  body_.set_timeout(kDrainPieceTimeout);
  while (!body_.done()) {
    if (drained > kDrainBytesMax) co_return false;
    Result<Bytes> piece = co_await body_.next();
    if (!piece.ok()) co_return false;
    drained += piece->size();
  }
  body_.release();
  co_return true;
}

}  // namespace strata::http
