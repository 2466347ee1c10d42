#include "strata/traffic.h"

namespace strata::roof {

Traffic::Traffic(metrics::Registry& registry, std::string wire, log::Level level)
    : registry_(registry),
      wire_(std::move(wire)),
      level_(level),
      accepted_(registry.counter("strata_http_connections_total", "Connections accepted.",
                                 {{"wire", wire_}})),
      received_(registry.counter("strata_http_received_bytes_total", "Bytes received.",
                                 {{"wire", wire_}})),
      sent_(registry.counter("strata_http_sent_bytes_total", "Bytes sent.", {{"wire", wire_}})) {
  registry.gauge("strata_http_connections", "Connections open now.", {{"wire", wire_}},
                 [this] { return static_cast<double>(connections()); });
}

void Traffic::connection_opened() noexcept {
  open_.fetch_add(1, std::memory_order_relaxed);
  accepted_.add();
}

void Traffic::connection_closed() noexcept {
  open_.fetch_sub(1, std::memory_order_relaxed);
}

void Traffic::count(std::string_view operation, int status, std::chrono::nanoseconds elapsed) {
  metrics::Counter* requests = nullptr;
  metrics::LatencyHistogram* latency = nullptr;
  {
    const std::lock_guard lock(mutex_);
    auto found = operations_.find(operation);
    if (found == operations_.end()) found = operations_.emplace(operation, Operation()).first;
    Operation& known = found->second;
    if (known.latency == nullptr) {
      known.latency = &registry_.latency("strata_http_request_seconds",
                                         "Time from the request to the end of its answer.",
                                         {{"wire", wire_}, {"operation", std::string(operation)}});
    }
    metrics::Counter*& of_status = known.by_status[status];
    if (of_status == nullptr) {
      of_status = &registry_.counter("strata_http_requests_total",
                                     "Requests answered, by operation and status.",
                                     {{"wire", wire_},
                                      {"operation", std::string(operation)},
                                      {"status", std::to_string(status)}});
    }
    requests = of_status;
    latency = known.latency;
  }
  requests->add();
  latency->observe(elapsed);
}

void Traffic::exchange_done(const http::ExchangeRecord& record) noexcept {
  const std::string_view operation = record.operation.empty() ? "Unknown" : record.operation;
  received_.add(record.request_bytes);
  sent_.add(record.response_bytes);
  count(operation, record.status, record.elapsed);
  if (!log::enabled(level_)) return;
  const double milliseconds = std::chrono::duration<double, std::milli>(record.elapsed).count();
  log::write(level_, "request",
             {{"id", record.request_id},
              {"wire", wire_},
              {"operation", operation},
              {"method", record.method},
              {"path", record.path},
              {"status", record.status},
              {"in", record.request_bytes},
              {"out", record.response_bytes},
              {"ms", milliseconds},
              {"peer", record.peer}});
}

}  // namespace strata::roof
