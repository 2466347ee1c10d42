// QueueThread: one thread, one ring, and the connections that were dealt to it. The first thread
// also accepts.
//
// Thread rule: adopt, request_stop and join from any thread; all else on its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "blockdev/nbd/buffer_pool.h"
#include "blockdev/nbd/connection.h"

namespace strata::nbd {

// What the threads of one server share.
struct ServerShared {
  ServerShared(device::ExportTable& table, metrics::Registry& registry, ServerOptions settings)
      : exports(table),
        instruments(registry),
        options(settings),
        uses(settings.export_connections_max == 0 ? settings.connections_max
                                                  : settings.export_connections_max) {}
  device::ExportTable& exports;
  Instruments instruments;
  const ServerOptions options;
  ExportUses uses;
  std::atomic<uint32_t> connections{0};
  std::atomic<uint64_t> next_id{1};
};

class QueueThread {
 public:
  using Deal = std::function<void(Listener)>;

  // listeners: accepted from by this thread; deal gets what they bring, with their mode of TLS.
  [[nodiscard]] static Result<std::unique_ptr<QueueThread>> create(ServerShared& shared,
                                                                   std::vector<Listener> listeners,
                                                                   Deal deal);
  ~QueueThread();
  QueueThread(const QueueThread&) = delete;
  QueueThread& operator=(const QueueThread&) = delete;

  void start();
  // Serves the socket, which counts in shared.connections already.
  void adopt(Listener arrival);
  void request_stop(Deadline deadline);
  void join();

 private:
  struct Accept : ring::Operation {
    QueueThread* thread = nullptr;
    Listener listener;
    bool started = false;
  };

  QueueThread(ServerShared& shared, std::unique_ptr<ring::Ring> ring,
              std::vector<Listener> listeners, Deal deal);
  void run();
  void take_inbox();
  void pump();
  void feed_starved();
  void close_due(SteadyTime now);
  void destroy(Connection& connection);
  void arm_accepts();
  void accepted(Accept& accept, int32_t result);
  [[nodiscard]] bool stopped() const noexcept;

  ServerShared& shared_;
  std::unique_ptr<ring::Ring> ring_;
  Deal deal_;
  std::vector<std::unique_ptr<Accept>> accepts_;
  SteadyTime retry_accept_ = SteadyTime::max();
  BufferPool buffers_;
  ExportBytes export_bytes_;
  PumpList pumps_;
  std::vector<std::unique_ptr<Connection>> connections_;
  SteadyTime next_due_ = SteadyTime::max();
  SteadyTime now_{};
  bool starved_ = false;  // a connection waits for buffers
  bool stopping_ = false;

  std::mutex mutex_;
  std::vector<Listener> arrivals_;     // under mutex_
  std::optional<Deadline> stop_;       // under mutex_
  std::atomic<bool> has_mail_{false};  // set after either of them
  std::thread thread_;
};

}  // namespace strata::nbd
