#include "blockdev/vhost_user/instruments.h"

namespace strata::vhost_user {
namespace {

constexpr std::array<const char*, device::kOps> kOpNames = {
    "read", "write", "flush", "trim", "write_zeroes", "cache", "block_status"};
constexpr const char* kBytesName = "strata_vhost_user_bytes_total";
constexpr const char* kBytesHelp = "Bytes that virtual machines read and wrote.";
constexpr const char* kSessionsName = "strata_vhost_user_sessions_total";
constexpr const char* kSessionsHelp = "Front ends that connected, and those that were refused.";

}  // namespace

Instruments::Instruments(metrics::Registry& registry)
    : refused_requests(registry.counter("strata_vhost_user_refused_requests_total",
                                        "Requests refused before they reached a volume.", {})),
      resumed_requests(registry.counter("strata_vhost_user_resumed_requests_total",
                                        "Requests of an earlier server that were served again.",
                                        {})),
      read_bytes(registry.counter(kBytesName, kBytesHelp, {{"direction", "read"}})),
      written_bytes(registry.counter(kBytesName, kBytesHelp, {{"direction", "write"}})),
      accepted(registry.counter(kSessionsName, kSessionsHelp, {{"outcome", "accepted"}})),
      refused_sessions(registry.counter(kSessionsName, kSessionsHelp, {{"outcome", "refused"}})),
      broken_rings(registry.counter("strata_vhost_user_broken_rings_total",
                                    "Rings stopped because a guest put nonsense into them.", {})) {
  for (size_t i = 0; i < device::kOps; ++i) {
    const metrics::Labels labels = {{"op", kOpNames[i]}};
    ops[i].requests =
        &registry.counter("strata_vhost_user_requests_total", "Requests served, by kind.", labels);
    ops[i].errors = &registry.counter("strata_vhost_user_request_errors_total",
                                      "Requests that a volume answered with an error.", labels);
    ops[i].seconds = &registry.latency("strata_vhost_user_request_seconds",
                                       "From a request's arrival to its answer, by kind.", labels);
  }
}

}  // namespace strata::vhost_user
