// One HTTP listener with its handler's traffic counted: S3, admin or control.
#pragma once

#include <memory>
#include <string>

#include "common/http/server.h"
#include "strata/loop_threads.h"
#include "strata/traffic.h"

namespace strata::roof {

class WebServer {
 public:
  // wire: "s3", "admin" or "control"; what watches and controls the server would drown out its
  // users in the log, so only S3's requests are logged as news. Handler, registry, loops and TLS
  // context (null: in the clear) outlive this.
  WebServer(const std::string& wire, const LoopThreads& loops, async::Listener listener,
            http::Handler& handler, metrics::Registry& registry, http::ServerLimits limits,
            const tls::CurrentContext* tls = nullptr)
      : traffic_(registry, wire, wire == "s3" ? log::Level::kInfo : log::Level::kDebug),
        server_(loops.all(), std::move(listener), handler, &traffic_, limits, tls) {}

  void start() { server_.start(); }
  void stop(Deadline deadline) { server_.stop(deadline); }
  [[nodiscard]] uint16_t port() const noexcept { return server_.port(); }
  [[nodiscard]] int64_t connections() const noexcept { return traffic_.connections(); }

 private:
  Traffic traffic_;
  http::Server server_;
};

}  // namespace strata::roof
