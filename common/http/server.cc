#include "common/http/server.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/http/connection.h"
#include "common/http/shard.h"

namespace strata::http {
namespace {

using namespace std::chrono_literals;

// Connections beyond the limit that are being told so; still more are closed without a word.
constexpr uint64_t kTurnedAwayMax = 64;
// The pause after a failed accept, which mostly means that no descriptors are left.
constexpr Duration kAcceptPause = 20ms;

// Counts down to zero from any thread; one thread waits.
class Countdown {
 public:
  explicit Countdown(size_t count) : left_(count) {}
  void done() {
    // Notified under the lock, so that the waiter cannot be gone before notify_all returns.
    const std::lock_guard lock(mutex_);
    --left_;
    changed_.notify_all();
  }
  // False if the deadline passed first.
  [[nodiscard]] bool wait(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto finished = [this] { return left_ == 0; };
    if (!deadline.is_never()) return changed_.wait_until(lock, deadline.when(), finished);
    changed_.wait(lock, finished);
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t left_;  // guarded by mutex_
};

// Tells the countdown when everybody has left the gate. The message goes through the loop's queue,
// so that the frames of the last task to leave are gone by then.
async::detail::Detached tell_when_empty(async::EventLoop& loop, async::Gate& gate,
                                        std::shared_ptr<Countdown> countdown) {
  co_await gate.empty();
  loop.post([countdown] { countdown->done(); });
}

}  // namespace

struct Server::Impl {
  Impl(std::vector<async::EventLoop*> loops, async::Listener listening, Handler& handler,
       Observer* observer, ServerLimits limits, const tls::CurrentContext* tls)
      : common{handler, observer, limits, tls}, listener(std::move(listening)) {
    CHECK(!loops.empty(), "a server needs a loop");
    SystemRandom random;
    const uint64_t seed = random.next_u64();
    for (size_t i = 0; i < loops.size(); ++i) {
      shards.push_back(
          std::make_unique<Shard>(*loops[i], common, RequestIds(seed, i, loops.size())));
    }
  }

  [[nodiscard]] async::Task<void> accept_connections();
  void deal(UniqueFd socket);
  void adopt(Shard& shard, int socket);
  void stop_accepting();
  void stop_shard(Shard& shard, std::shared_ptr<Countdown> countdown);

  ServerCommon common;
  async::Listener listener;
  std::vector<std::unique_ptr<Shard>> shards;
  // The rest belongs to the first loop.
  async::Gate accept_gate;
  async::Gate turned_away;
  size_t next_shard = 0;
  // These belong to the owner's thread.
  bool started = false;
  bool stopped = false;
};

async::Task<void> Server::Impl::accept_connections() {
  bool failing = false;
  while (!common.stopping.load(std::memory_order_acquire)) {
    Result<size_t> accepted = co_await listener.accept();
    if (accepted.ok()) {
      failing = false;
      deal(UniqueFd(static_cast<int>(*accepted)));
      continue;
    }
    if (common.stopping.load(std::memory_order_acquire)) break;
    if (!std::exchange(failing, true)) {
      log::error("http.accept_failed", {{"error", accepted.error().to_string()}});
    }
    co_await async::sleep_until(Deadline::after(kAcceptPause));
  }
}

void Server::Impl::deal(UniqueFd socket) {
  if (common.connections.load(std::memory_order_relaxed) >= common.limits.connections_max) {
    if (turned_away.inside() < kTurnedAwayMax) {
      async::spawn(turned_away, turn_away(*shards.front(), std::move(socket)));
    }
    return;
  }
  common.connections.fetch_add(1, std::memory_order_relaxed);
  Shard& shard = *shards[next_shard];
  next_shard = (next_shard + 1) % shards.size();
  const int fd = socket.release();
  if (&shard == shards.front().get()) {
    adopt(shard, fd);
  } else {
    shard.loop.post([this, &shard, fd] { adopt(shard, fd); });
  }
}

void Server::Impl::adopt(Shard& shard, int fd) {
  UniqueFd socket(fd);
  if (!async::spawn(shard.gate, serve_connection(shard, std::move(socket)))) {
    common.connections.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Server::Impl::stop_shard(Shard& shard, std::shared_ptr<Countdown> countdown) {
  shard.stopping = true;
  shard.gate.close();
  // A shutdown ends receives through the ring, later: the set does not change under this loop.
  for (Connection* connection : shard.connections) {
    if (connection->idle()) connection->break_off();
  }
  tell_when_empty(shard.loop, shard.gate, std::move(countdown));
}

Server::Server(std::vector<async::EventLoop*> loops, async::Listener listener, Handler& handler,
               Observer* observer, ServerLimits limits, const tls::CurrentContext* tls)
    : impl_(std::make_unique<Impl>(std::move(loops), std::move(listener), handler, observer, limits,
                                   tls)) {}

Server::~Server() {
  CHECK(!impl_->started || impl_->stopped, "a started server is stopped before it dies");
}

uint16_t Server::port() const noexcept {
  return impl_->listener.port();
}

void Server::start() {
  CHECK(!impl_->started);
  impl_->started = true;
  Impl* const impl = impl_.get();
  impl->shards.front()->loop.post(
      [impl] { async::spawn(impl->accept_gate, impl->accept_connections()); });
}

void Server::stop(Deadline deadline) {
  Impl& impl = *impl_;
  if (!impl.started || impl.stopped) return;
  impl.stopped = true;
  // First no new connections: after this no more are posted to any loop.
  impl.common.stopping.store(true, std::memory_order_release);
  impl.listener.shutdown();
  async::EventLoop& first = impl.shards.front()->loop;
  auto accepting = std::make_shared<Countdown>(2);
  first.post([&impl, &first, accepting] {
    impl.accept_gate.close();
    impl.turned_away.close();
    tell_when_empty(first, impl.accept_gate, accepting);
    tell_when_empty(first, impl.turned_away, accepting);
  });
  const bool accepting_ended = accepting->wait(Deadline::never());
  CHECK(accepting_ended);
  auto serving = std::make_shared<Countdown>(impl.shards.size());
  for (const std::unique_ptr<Shard>& owned : impl.shards) {
    Shard* const shard = owned.get();
    shard->loop.post([&impl, shard, serving] { impl.stop_shard(*shard, serving); });
  }
  if (serving->wait(deadline)) return;
  for (const std::unique_ptr<Shard>& owned : impl.shards) {
    Shard* const shard = owned.get();
    shard->loop.post([shard] {
      for (Connection* connection : shard->connections) connection->break_off();
    });
  }
  const bool serving_ended = serving->wait(Deadline::never());
  CHECK(serving_ended);
}

}  // namespace strata::http
