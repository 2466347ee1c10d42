#include "common/http/request_body.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace strata::http {
namespace {
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
}  // namespace

RequestBody::RequestBody(Channel& channel, const RequestHead& head,
                         const ServerLimits& limits) noexcept
    : channel_(channel),
      limits_(limits),
      timeout_(limits.body_timeout),
      chunked_(head.chunked),
      left_(head.content_length.value_or(0)),
      continue_pending_(head.expect_continue),
      done_(!head.chunked && left_ == 0) {}

std::optional<uint64_t> RequestBody::left() const noexcept {
  if (chunked_ && !done_) return std::nullopt;
  return left_;
}

void RequestBody::release() noexcept {
  channel_.buffer.consume(std::exchange(given_, 0));
}

async::Task<Status> RequestBody::send_continue() {
  continue_pending_ = false;
  // A peer that has begun to send no longer waits.
  if (!channel_.buffer.empty()) co_return Status();
  if (!continue_allowed_) {
    co_return Error(Code::kClosed, "the body was not asked for before the response");
  }
  Status sent = co_await channel_.send(as_bytes(kContinue), {}, timeout_);
  co_return sent;
}

Deadline RequestBody::patience(SteadyTime now) const noexcept {
  const std::chrono::milliseconds earned(waited_bytes_ * 1000 / limits_.body_bytes_per_second_min);
  return Deadline::at(now + std::min<Duration>(timeout_, limits_.body_grace + earned - waited_));
}

async::Task<Status> RequestBody::receive() {
  // Large bodies in large pieces; a small one in what the connection holds anyway.
  const bool large = chunked_ || left_ > channel_.buffer.capacity();
  channel_.buffer.reserve(large ? BlockPool::kBlockBytes : ReadBuffer::kIdleBytes);
  const SteadyTime began = std::chrono::steady_clock::now();
  Result<size_t> got = co_await channel_.fill(patience(began));
  if (!got.ok()) co_return std::move(got).error();
  waited_ += std::chrono::steady_clock::now() - began;
  waited_bytes_ += *got;
  if (*got == 0) {
    co_return Error(Code::kClosed, "short_body", "the peer ended the connection within the body");
  }
  co_return Status();
}

async::Task<Result<Bytes>> RequestBody::next() {
  release();
  if (failed_) co_return Error(Code::kClosed, "the body ended in an error before");
  if (done_) co_return Bytes();
  if (continue_pending_) {
    Status sent = co_await send_continue();
    if (!sent.ok()) {
      failed_ = true;
      co_return std::move(sent).error();
    }
  }
  if (chunked_) {
    Result<Bytes> piece = co_await next_of_chunks();
    failed_ = !piece.ok();
    co_return piece;
  }
  Result<Bytes> piece = co_await next_of_length();
  failed_ = !piece.ok();
  co_return piece;
}

async::Task<Result<Bytes>> RequestBody::next_of_length() {
  if (channel_.buffer.empty()) {
    Status received = co_await receive();
    if (!received.ok()) co_return std::move(received).error();
  }
  const Bytes there = channel_.buffer.bytes();
  const Bytes piece = there.first(std::min<uint64_t>(there.size(), left_));
  given_ = piece.size();
  left_ -= piece.size();
  done_ = left_ == 0;
  co_return piece;
}

async::Task<Result<Bytes>> RequestBody::next_of_chunks() {
  for (;;) {
    Result<ChunkedDecoder::Step> step = decoder_.step(channel_.buffer.bytes());
    if (!step.ok()) co_return std::move(step).error();
    if (!step->data.empty()) {
      given_ = step->consumed;
      co_return step->data;
    }
    channel_.buffer.consume(step->consumed);
    if (decoder_.done()) {
      done_ = true;
      co_return Bytes();
    }
    Status received = co_await receive();
    if (!received.ok()) co_return std::move(received).error();
  }
}

}  // namespace strata::http
