#include "blockdev/nbd/queue_thread.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::nbd {
namespace {

constexpr uint32_t kRingEntries = 512;
// When the process has no descriptor left, accepting again at once would only burn the processor.
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);

}  // namespace

Result<std::unique_ptr<QueueThread>> QueueThread::create(ServerShared& shared,
                                                         std::vector<Listener> listeners,
                                                         Deal deal) {
  TRY_ASSIGN(auto ring, ring::Ring::create({.entries = kRingEntries}));
  return std::unique_ptr<QueueThread>(
      new QueueThread(shared, std::move(ring), std::move(listeners), std::move(deal)));
}

QueueThread::QueueThread(ServerShared& shared, std::unique_ptr<ring::Ring> ring,
                         std::vector<Listener> listeners, Deal deal)
    : shared_(shared),
      ring_(std::move(ring)),
      deal_(std::move(deal)),
      buffers_(thread_part(shared.options.memory_bytes_max, shared.options), *ring_) {
  for (Listener& listener : listeners) {
    auto accept = std::make_unique<Accept>();
    accept->thread = this;
    accept->listener = std::move(listener);
    accept->complete = [](ring::Operation& op, int32_t result) noexcept {
      auto& self = static_cast<Accept&>(op);
      self.thread->accepted(self, result);
    };
    accepts_.push_back(std::move(accept));
  }
}

QueueThread::~QueueThread() {
  CHECK(!thread_.joinable(), "a queue thread was destroyed while it runs");
}

void QueueThread::start() {
  thread_ = std::thread([this] { run(); });
}

void QueueThread::join() {
  if (thread_.joinable()) thread_.join();
}

void QueueThread::adopt(Listener arrival) {
  {
    const std::lock_guard lock(mutex_);
    arrivals_.push_back(std::move(arrival));
  }
  has_mail_.store(true, std::memory_order_release);
  ring_->wake();
}

void QueueThread::request_stop(Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    stop_ = deadline;
  }
  has_mail_.store(true, std::memory_order_release);
  ring_->wake();
}

bool QueueThread::stopped() const noexcept {
  return stopping_ && connections_.empty() &&
         std::none_of(accepts_.begin(), accepts_.end(),
                      [](const auto& accept) { return accept->started; });
}

void QueueThread::run() {
  arm_accepts();
  while (!stopped()) {
    const Status turn = ring_->run_once(Deadline::at(next_due_));
    CHECK(turn.ok(), turn.ok() ? std::string() : turn.error().message);
    now_ = std::chrono::steady_clock::now();
    if (has_mail_.exchange(false, std::memory_order_acquire)) take_inbox();
    pump();
    feed_starved();
    if (now_ >= next_due_) close_due(now_);
  }
}

void QueueThread::pump() {
  while (Connection* connection = pumps_.pop()) {
    connection->pump();
    if (connection->finished() && !connection->in_pump_list_) destroy(*connection);
  }
}

// What one connection gave back may be what another waits for.
void QueueThread::feed_starved() {
  if (!std::exchange(starved_, false)) return;
  for (const auto& connection : connections_) pumps_.add(*connection);
  pump();
}

void QueueThread::take_inbox() {
  std::vector<Listener> arrivals;
  std::optional<Deadline> stop;
  {
    const std::lock_guard lock(mutex_);
    arrivals.swap(arrivals_);
    stop = stop_;
  }
  for (Listener& arrival : arrivals) {
    const ConnectionContext context{
        *ring_,    buffers_, pumps_,   shared_.exports, shared_.instruments, shared_.options,
        next_due_, now_,     starved_, shared_.uses,    export_bytes_};
    auto connection =
        std::make_unique<Connection>(context, std::move(arrival), shared_.next_id.fetch_add(1));
    connection->index_ = connections_.size();
    pumps_.add(*connection);
    connections_.push_back(std::move(connection));
  }
  if (!stop) return;
  stopping_ = true;
  for (const auto& accept : accepts_) {
    if (accept->started) ring_->cancel(*accept);
  }
  for (const auto& connection : connections_) connection->drain(stop->when());
}

void QueueThread::close_due(SteadyTime now) {
  next_due_ = SteadyTime::max();
  if (now >= retry_accept_) {
    retry_accept_ = SteadyTime::max();
    arm_accepts();
  }
  next_due_ = std::min(next_due_, retry_accept_);
  for (const auto& connection : connections_) {
    if (connection->due() <= now) {
      connection->close("it took too long");
    } else {
      next_due_ = std::min(next_due_, connection->due());
    }
  }
  pump();
}

void QueueThread::destroy(Connection& connection) {
  const size_t index = connection.index_;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index_ = index;
  connections_.pop_back();
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  if (!connections_.empty()) return;
  buffers_.release();
  export_bytes_.clear();
}

void QueueThread::arm_accepts() {
  if (stopping_) return;
  for (const auto& accept : accepts_) {
    if (accept->started) continue;
    accept->started = true;
    ring_->accept(*accept, accept->listener.socket.get());
  }
}

void QueueThread::accepted(Accept& accept, int32_t result) {
  accept.started = false;
  if (result >= 0) {
    deal_({UniqueFd(result), accept.listener.tls});
  } else if (result == -EMFILE || result == -ENFILE || result == -ENOMEM || result == -ENOBUFS) {
    log::warning("nbd.accept_failed", {{"error", errno_error(-result, "accept").message}});
    retry_accept_ = std::chrono::steady_clock::now() + kAcceptPause;
    next_due_ = std::min(next_due_, retry_accept_);
    return;
  } else if (result == -EBADF || result == -EINVAL || result == -ENOTSOCK) {
    log::error("nbd.listener_broken", {{"error", errno_error(-result, "accept").message}});
    return;
  }
  arm_accepts();
}

}  // namespace strata::nbd
