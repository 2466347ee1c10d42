#include "strata/admin_handler.h"

#include <fmt/format.h>

namespace strata::roof {

AdminHandler::AdminHandler(const metrics::Registry& registry, std::function<Readiness()> readiness)
    : registry_(registry), readiness_(std::move(readiness)) {}

AdminHandler::Answer AdminHandler::answer(std::string_view method, std::string_view path) const {
  Answer out;
  out.head.fields.add("content-type", "text/plain; charset=utf-8");
  const bool live = path == "/health/live" || path == "/minio/health/live";
  const bool ready =
      path == "/health/ready" || path == "/minio/health/ready" || path == "/minio/health/cluster";
  const bool metrics = path == "/metrics";
  if (!live && !ready && !metrics) {
    out.operation = "NotFound";
    out.head.status = 404;
    out.body = "not found: /health/live, /health/ready and /metrics are served here\n";
  } else if (method != "GET" && method != "HEAD") {
    out.operation = "MethodNotAllowed";
    out.head.status = 405;
    out.head.fields.add("allow", "GET, HEAD");
    out.body = "use GET\n";
  } else if (live) {
    out.operation = "HealthLive";
    out.body = "live\n";
  } else if (ready) {
    const Readiness state = readiness_();
    out.operation = "HealthReady";
    out.head.status = state.ready ? 200 : 503;
    out.body = state.why + "\n";
  } else {
    out.operation = "Metrics";
    out.head.fields.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
    out.body = registry_.render();
  }
  return out;
}

async::Task<void> AdminHandler::handle(http::Exchange& exchange) {
  const http::RequestHead& request = exchange.request();
  Answer out = answer(request.method, request.path);
  exchange.set_operation(out.operation);
  // A client that is gone needs no answer.
  (void)co_await exchange.respond(std::move(out.head), std::move(out.body));
}

std::string AdminHandler::refusal(int status, std::string_view why, std::string_view request_id,
                                  http::Fields& fields) {
  fields.set("content-type", "text/plain; charset=utf-8");
  return fmt::format("{} {} (request {})\n", status, why, request_id);
}

}  // namespace strata::roof
