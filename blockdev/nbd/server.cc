#include "blockdev/nbd/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "blockdev/nbd/queue_thread.h"
#include "common/base/log.h"

namespace strata::nbd {
namespace {

constexpr uint32_t kThreadsMax = 64;
constexpr uint32_t kRequestsInFlightMax = 4096;

Status check_options(const ServerOptions& options) {
  if (options.threads == 0 || options.threads > kThreadsMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("NBD threads must be from 1 to {}", kThreadsMax));
  }
  if (options.connections_max == 0) {
    return Error(Code::kInvalidArgument, "the NBD connection limit must be at least 1");
  }
  if (options.requests_in_flight_max == 0 ||
      options.requests_in_flight_max > kRequestsInFlightMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("NBD requests in flight must be from 1 to {}", kRequestsInFlightMax));
  }
  if (options.export_bytes_max != 0 && options.export_bytes_max < kPayloadBytesMax) {
    return Error(Code::kInvalidArgument,
                 "the NBD buffer limit of an export must be at least 32 MiB, the longest request");
  }
  if (options.buffer_bytes_max < kPayloadBytesMax) {
    return Error(Code::kInvalidArgument,
                 "the NBD buffer limit must be at least 32 MiB, the longest request");
  }
  return {};
}

Status check_tls(const std::vector<Listener>& listeners, const ServerOptions& options) {
  for (const Listener& listener : listeners) {
    if (listener.tls == TlsMode::kOff || options.tls != nullptr) continue;
    return Error(Code::kInvalidArgument, "an NBD listener with TLS needs a certificate or keys");
  }
  return {};
}

}  // namespace

uint64_t thread_part(uint64_t bytes, const ServerOptions& options) noexcept {
  return std::max<uint64_t>(bytes / options.threads, kPayloadBytesMax);
}

struct Server::Impl {
  Impl(device::ExportTable& exports, metrics::Registry& registry, ServerOptions options)
      : shared(std::make_shared<ServerShared>(exports, registry, options)) {}

  // Called on the first thread for every accepted socket.
  void deal(Listener arrival) {
    if (shared->connections.load(std::memory_order_relaxed) >= shared->options.connections_max) {
      shared->instruments.refused_connections.add();
      log::warning("nbd.refused", {{"reason", "too many connections"},
                                   {"limit", shared->options.connections_max},
                                   {"advice", "--nbd-connections allows more"}});
      return;
    }
    shared->connections.fetch_add(1, std::memory_order_relaxed);
    shared->instruments.accepted.add();
    threads[next_thread]->adopt(std::move(arrival));
    next_thread = (next_thread + 1) % threads.size();
  }

  // Shared with the metrics gauge, which may be asked after the server is gone.
  std::shared_ptr<ServerShared> shared;
  std::vector<std::unique_ptr<QueueThread>> threads;
  size_t next_thread = 0;  // the first thread's own
  bool stopped = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  stop(Deadline::after(Duration(0)));
}

Result<std::unique_ptr<Server>> Server::start(std::vector<Listener> listeners,
                                              device::ExportTable& exports,
                                              metrics::Registry& registry, ServerOptions options) {
  TRY(check_options(options));
  TRY(check_tls(listeners, options));
  auto impl = std::make_unique<Impl>(exports, registry, options);
  Impl* const raw = impl.get();
  for (uint32_t i = 0; i < options.threads; ++i) {
    TRY_ASSIGN(auto thread,
               QueueThread::create(*impl->shared, std::move(listeners),
                                   [raw](Listener one) { raw->deal(std::move(one)); }));
    listeners.clear();
    impl->threads.push_back(std::move(thread));
  }
  registry.gauge("strata_nbd_connections", "NBD connections open now.", {},
                 [shared = impl->shared] { return double(shared->connections.load()); });
  for (const auto& thread : impl->threads) thread->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::stop(Deadline deadline) {
  if (std::exchange(impl_->stopped, true)) return;
  for (const auto& thread : impl_->threads) thread->request_stop(deadline);
  for (const auto& thread : impl_->threads) thread->join();
}

uint32_t Server::connections() const noexcept {
  return impl_->shared->connections.load(std::memory_order_relaxed);
}

}  // namespace strata::nbd
