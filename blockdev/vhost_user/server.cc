#include "blockdev/vhost_user/server.h"

#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "blockdev/vhost_user/session.h"
#include "common/base/log.h"

namespace strata::vhost_user {
namespace {

constexpr uint32_t kRingEntries = 512;
// When the process has no descriptor left, accepting again at once would only burn the processor.
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);

}  // namespace

static_assert(kServerQueuesMax == kQueuesMax);

class Server::Loop {
 public:
  Loop(std::unique_ptr<ring::Ring> ring, UniqueFd listener, device::ExportTable& exports,
       metrics::Registry& registry, ServerOptions options)
      : options_(std::move(options)),
        exports_(exports),
        instruments_(registry),
        ring_(std::move(ring)) {
    accept_.loop = this;
    accept_.listener = std::move(listener);
    accept_.complete = [](ring::Operation& op, int32_t result) noexcept {
      auto& self = static_cast<Accept&>(op);
      self.started = false;
      self.loop->accepted(result);
    };
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() { stop(Deadline::after(Duration(0))); }

  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void stop(Deadline deadline) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      stop_ = deadline;
    }
    post();
    if (thread_.joinable()) thread_.join();
  }
  void refresh() noexcept {
    refresh_.store(true, std::memory_order_release);
    post();
  }
  [[nodiscard]] uint32_t sessions() const noexcept {
    return sessions_.load(std::memory_order_relaxed);
  }

 private:
  struct Accept : ring::Operation {
    Loop* loop = nullptr;
    UniqueFd listener;
    bool started = false;
  };

  void post() noexcept {
    has_mail_.store(true, std::memory_order_release);
    ring_->wake();
  }
  void run();
  void take_inbox();
  void arm_accept();
  void accepted(int32_t result) noexcept;
  void arrive(UniqueFd socket);
  void open_session(UniqueFd socket);
  [[nodiscard]] Deadline next_deadline(bool again) const noexcept;

  const ServerOptions options_;
  device::ExportTable& exports_;
  Instruments instruments_;
  std::unique_ptr<ring::Ring> ring_;
  Accept accept_;
  SteadyTime retry_accept_ = SteadyTime::max();
  std::unique_ptr<Session> session_;
  UniqueFd waiting_;  // the next front end, until the last one has gone
  SteadyTime now_{};
  bool stopping_ = false;
  std::optional<Deadline> drain_until_;

  std::mutex mutex_;
  std::optional<Deadline> stop_;  // under mutex_
  std::atomic<bool> refresh_{false};
  std::atomic<bool> has_mail_{false};  // set after either of them
  std::atomic<uint32_t> sessions_{0};
  std::thread thread_;
};

Deadline Server::Loop::next_deadline(bool again) const noexcept {
  if (again) return Deadline::at(now_);
  Deadline out = Deadline::at(retry_accept_);
  if (drain_until_ && session_) out = out.earlier(*drain_until_);
  return out;
}

void Server::Loop::run() {
  arm_accept();
  bool again = false;
  while (!stopping_ || session_ || accept_.started) {
    const Status turn = ring_->run_once(next_deadline(again));
    CHECK(turn.ok(), turn.ok() ? std::string() : turn.error().message);
    now_ = std::chrono::steady_clock::now();
    if (has_mail_.exchange(false, std::memory_order_acquire)) take_inbox();
    if (now_ >= retry_accept_) arm_accept();
    again = false;
    if (!session_) continue;
    again = session_->pump();
    if (drain_until_ && drain_until_->passed(now_)) {
      drain_until_.reset();
      session_->close("the server stops");
      // Its last operations are awaited.
    }
    if (!session_->finished()) continue;
    session_.reset();
    sessions_.store(0, std::memory_order_relaxed);
    if (waiting_.valid()) open_session(std::move(waiting_));
    again = session_ != nullptr;
  }
}

void Server::Loop::take_inbox() {
  if (refresh_.exchange(false, std::memory_order_acquire) && session_) session_->refresh();
  std::optional<Deadline> stop;
  {
    const std::lock_guard lock(mutex_);
    stop = stop_;
  }
  if (!stop || stopping_) return;
  stopping_ = true;
  drain_until_ = stop;
  waiting_.reset();
  if (accept_.started) ring_->cancel(accept_);
  if (session_) session_->drain();
}

void Server::Loop::arm_accept() {
  retry_accept_ = SteadyTime::max();
  if (stopping_ || accept_.started) return;
  accept_.started = true;
  ring_->accept(accept_, accept_.listener.get());
}

void Server::Loop::accepted(int32_t result) noexcept {
  if (result >= 0) {
    arrive(UniqueFd(result));
  } else if (result == -EMFILE || result == -ENFILE || result == -ENOMEM || result == -ENOBUFS) {
    log::warning("vhost_user.accept_failed", {{"error", errno_error(-result, "accept").message}});
    retry_accept_ = std::chrono::steady_clock::now() + kAcceptPause;
    return;
  } else if (result == -EBADF || result == -EINVAL || result == -ENOTSOCK) {
    log::error("vhost_user.listener_broken", {{"error", errno_error(-result, "accept").message}});
    return;
  }
  arm_accept();
}

void Server::Loop::arrive(UniqueFd socket) {
  if (stopping_) return;
  if (!session_) return open_session(std::move(socket));
  // A machine that starts again is often faster than the end of its last connection.
  if (session_->hung_up() && !waiting_.valid()) {
    waiting_ = std::move(socket);
    return;
  }
  instruments_.refused_sessions.add();
  log::warning("vhost_user.refused",
               {{"export", options_.label}, {"reason", "another front end is connected"}});
}

void Server::Loop::open_session(UniqueFd socket) {
  Result<std::unique_ptr<device::ExportLease>> lease =
      exports_.lease_for(options_.export_name, device::kThisMachine);
  if (!lease.ok()) {
    instruments_.refused_sessions.add();
    log::error("vhost_user.refused",
               {{"export", options_.label}, {"reason", lease.error().message}});
    return;
  }
  Result<std::unique_ptr<Session>> session = Session::open(
      {*ring_, instruments_, options_, now_}, std::move(socket), std::move(lease).value());
  if (!session.ok()) {
    instruments_.refused_sessions.add();
    log::error("vhost_user.refused",
               {{"export", options_.label}, {"reason", session.error().message}});
    return;
  }
  instruments_.accepted.add();
  log::info("vhost_user.opened", {{"export", options_.label}});
  session_ = std::move(session).value();
  sessions_.store(1, std::memory_order_relaxed);
}

Server::Server(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(UniqueFd listener, device::ExportTable& exports,
                                              metrics::Registry& registry, ServerOptions options) {
  if (options.queues == 0 || options.queues > kServerQueuesMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("a vhost-user disk has from 1 to {} queues", kServerQueuesMax));
  }
  TRY_ASSIGN(auto ring, ring::Ring::create({.entries = kRingEntries}));
  auto loop = std::make_unique<Loop>(std::move(ring), std::move(listener), exports, registry,
                                     std::move(options));
  loop->start();
  return std::unique_ptr<Server>(new Server(std::move(loop)));
}

void Server::stop(Deadline deadline) {
  loop_->stop(deadline);
}

void Server::refresh() noexcept {
  loop_->refresh();
}

uint32_t Server::sessions() const noexcept {
  return loop_->sessions();
}

}  // namespace strata::vhost_user
