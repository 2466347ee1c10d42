// The admin port: health for load balancers and orchestrators, metrics for Prometheus.
//
//   GET /health/live    200 while the process answers
//   GET /health/ready   200 while requests can succeed, else 503 with the reason
//   GET /metrics        Prometheus text
// and /minio/health/live, /minio/health/ready and /minio/health/cluster for tools that know those.
#pragma once

#include <functional>
#include <string>

#include "common/http/server.h"
#include "common/metrics/metrics.h"

namespace strata::roof {

struct Readiness {
  bool ready = false;
  std::string why;  // for people
};

// Thread rule: handles on any loop; `readiness` is called there and must not block.
class AdminHandler final : public http::Handler {
 public:
  AdminHandler(const metrics::Registry& registry, std::function<Readiness()> readiness);

  [[nodiscard]] async::Task<void> handle(http::Exchange& exchange) override;
  [[nodiscard]] std::string refusal(int status, std::string_view why, std::string_view request_id,
                                    http::Fields& fields) override;

 private:
  struct Answer {
    http::ResponseHead head;
    std::string body;
    std::string_view operation;
  };
  [[nodiscard]] Answer answer(std::string_view method, std::string_view path) const;

  const metrics::Registry& registry_;
  const std::function<Readiness()> readiness_;
};

}  // namespace strata::roof
