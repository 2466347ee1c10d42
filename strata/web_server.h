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
  // wire: "s3", "admin" or "control". Handler, registry and loops outlive this.
  WebServer(std::string wire, const LoopThreads& loops, async::Listener listener,
            http::Handler& handler, metrics::Registry& registry, http::ServerLimits limits)
      : traffic_(registry, std::move(wire)),
        server_(loops.all(), std::move(listener), handler, &traffic_, limits) {}

  void start() { server_.start(); }
  void stop(Deadline deadline) { server_.stop(deadline); }
  [[nodiscard]] uint16_t port() const noexcept { return server_.port(); }
  [[nodiscard]] int64_t connections() const noexcept { return traffic_.connections(); }

 private:
  Traffic traffic_;
  http::Server server_;
};

}  // namespace strata::roof
