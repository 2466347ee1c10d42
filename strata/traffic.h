// Traffic: what an HTTP server did, as metrics and as one log line a request.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "common/base/log.h"
#include "common/http/server.h"
#include "common/metrics/metrics.h"

namespace strata::roof {

// Thread rule: called on the loops of its server; the registry outlives it.
class Traffic final : public http::Observer {
 public:
  // wire: the label that tells the servers apart, as in "s3". level: of its access log lines.
  Traffic(metrics::Registry& registry, std::string wire, log::Level level);

  void connection_opened() noexcept override;
  void connection_closed() noexcept override;
  void exchange_done(const http::ExchangeRecord& record) noexcept override;

  [[nodiscard]] int64_t connections() const noexcept {
    return open_.load(std::memory_order_relaxed);
  }

 private:
  // The series of one operation, looked up once in the registry and then kept: a request builds no
  // labels.
  struct Operation {
    metrics::LatencyHistogram* latency = nullptr;
    std::map<int, metrics::Counter*> by_status;
  };
  void count(std::string_view operation, int status, std::chrono::nanoseconds elapsed);

  metrics::Registry& registry_;
  const std::string wire_;
  const log::Level level_;
  metrics::Counter& accepted_;
  metrics::Counter& received_;
  metrics::Counter& sent_;
  std::atomic<int64_t> open_{0};
  std::mutex mutex_;
  // Guarded by mutex_. Handlers name static operations, so their number is bounded.
  std::map<std::string, Operation, std::less<>> operations_;
};

}  // namespace strata::roof
